// Prints, for each list of messages, the tokens of our chat template and those of node-llama-cpp's own wrapper.
import { getLlama, JinjaTemplateChatWrapper, LlamaLogLevel } from 'node-llama-cpp';
import { LlamaTextModel } from '../dist/llamacpp/llama-text-model.js';

const [modelPath, lists] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath, vocabOnly: true, gpuLayers: 0 });
const ours = new LlamaTextModel({ model, made: { context: { getSequence: () => null }, info: { slots: 1 } }, folderFor: () => null });
const theirs = new JinjaTemplateChatWrapper({ template: model.fileInfo.metadata.tokenizer.chat_template });
const historyOf = (messages) => [...messages.map(({ role, content }) => (role === 'assistant' ? { type: 'model', response: [content] } : { type: role, text: content })), { type: 'model', response: [] }];

const results = JSON.parse(lists).map((messages) => ({
  ours: ours.encode({ type: 'messages', messages }),
  theirs: theirs.generateContextState({ chatHistory: historyOf(messages) }).contextText.tokenize(model.tokenizer),
}));
process.stdout.write(JSON.stringify(results), () => process.exit(0));
