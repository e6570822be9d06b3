"""Speaks to a server with the stock client, and prints what it saw as JSON."""
import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
question = [{"role": "user", "content": "What is the capital of Japan?"}]


def refusal(**request):
    try:
        client.chat.completions.create(messages=question, **request)
    except openai.APIStatusError as error:
        return " ".join(filter(None, [type(error).__name__, error.code, error.param if error.status_code == 400 else None]))
    return "no error"


seen = {"models": [model.id for model in client.models.list()]}
answer = client.chat.completions.create(model="chat-small", messages=question, temperature=0)
seen["answer"] = answer.choices[0].message.content
seen["prompt_tokens"] = answer.usage.prompt_tokens
chunks = list(client.chat.completions.create(model="smollm2", messages=question, temperature=0, stream=True, stream_options={"include_usage": True}))
seen["streamed"] = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
seen["streamed_prompt_tokens"] = chunks[-1].usage.prompt_tokens
seen["not_found"] = refusal(model="nope")
seen["bad_request"] = refusal(model="smollm2", temperature=3)
print(json.dumps(seen))
