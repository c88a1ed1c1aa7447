"""The Python packages openai and ollama against a running `./elms serve smollm2`. Needs `pip install openai ollama`."""
import importlib.metadata
import json
import sys

import ollama
import openai

server = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:11435"
model = "smollm2"
question = [{"role": "user", "content": "What is the capital of France?"}]
form = {"type": "object", "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["city", "people"], "additionalProperties": False}
tool = {"type": "function", "function": {"name": "weather", "description": "Tells the weather of a city.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


def openai_package():
    client = openai.OpenAI(base_url=server + "/v1", api_key="none", max_retries=0)
    names = [known.id for known in client.models.list()]
    assert model in names and model + ":interactive" in names
    answer = client.chat.completions.create(model=model, messages=question, max_tokens=16, logprobs=True, top_logprobs=2)
    text = answer.choices[0].message.content
    assert text and answer.usage.completion_tokens == len(answer.choices[0].logprobs.content)
    pieces = list(client.chat.completions.create(model=model, messages=question, max_tokens=16, stream=True,
                                                 stream_options={"include_usage": True}))
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices) == text
    assert pieces[-1].usage.completion_tokens == answer.usage.completion_tokens
    assert client.completions.create(model=model, prompt="The capital of France is", max_tokens=4).choices[0].text
    assert client.responses.create(model=model, input=question[0]["content"], max_output_tokens=16).output_text == text
    held = client.chat.completions.create(model=model, messages=question, max_tokens=64, response_format={
        "type": "json_schema", "json_schema": {"name": "city", "schema": form}})
    assert set(json.loads(held.choices[0].message.content)) == {"city", "people"}
    called = client.chat.completions.create(model=model, messages=question, tools=[tool], tool_choice="required", max_tokens=64)
    assert "city" in json.loads(called.choices[0].message.tool_calls[0].function.arguments)
    bound = client.chat.completions.create(model=model, messages=question, max_tokens=8,
                                           extra_body={"slo": {"ttft": 2, "tpot": 0.7}})
    assert bound.elms["slo"]["tpot_ms"] > 0 and bound.elms["measured"]["ttft_ms"] > 0
    refused(openai.RateLimitError, lambda: client.chat.completions.create(
        model=model, messages=question, extra_body={"slo": {"ttft": "1ms", "strict": True}}))
    refused(openai.NotFoundError, lambda: client.chat.completions.create(model="gpt", messages=question))
    refused(openai.BadRequestError, lambda: client.chat.completions.create(model=model, messages=[]))


def ollama_package():
    client = ollama.Client(host=server)
    assert any(known.model.startswith(model) for known in client.list().models)
    assert client.show(model).details.family == "llama"
    assert client.ps().models
    short = {"num_predict": 16}
    text = client.chat(model, question, options=short).message.content
    assert text
    assert "".join(piece.message.content for piece in client.chat(model, question, options=short, stream=True)) == text
    assert client.generate(model, question[0]["content"], options=short).response == text
    held = client.chat(model, question, options={"num_predict": 64}, format=form)
    assert set(json.loads(held.message.content)) == {"city", "people"}
    refused(ollama.ResponseError, lambda: client.chat("gpt", question))


def refused(kind, call):
    try:
        call()
    except kind as reason:
        print("  refused:", reason)
    else:
        raise AssertionError(f"no {kind.__name__}")


for name, run in (("openai", openai_package), ("ollama", ollama_package)):
    print(name, importlib.metadata.version(name))
    run()
print("all passed")
