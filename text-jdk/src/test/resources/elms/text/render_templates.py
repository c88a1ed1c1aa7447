"""Renders chats with Python's Jinja2, configured as the transformers library does, to compare JinjaChatTemplate with.

usage: python3 render_templates.py > rendered_templates.json
"""
import json

from jinja2.sandbox import ImmutableSandboxedEnvironment

TEMPLATES = {
    "smollm2": (
        "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
        "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + "
        "message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
        "{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    "llama3": (
        "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + "
        "message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
        "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
        "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
    ),
    "indented": (
        "{%- if messages[0]['role'] == 'system' %}\n    {%- set system = messages[0]['content'] %}\n"
        "    {%- set rest = messages[1:] %}\n{%- else %}\n    {%- set rest = messages %}\n{%- endif %}\n"
        "{% for message in rest %}\n    {% if message['role'] == 'user' %}\n"
        "[INST] {{ message['content'] | trim }} [/INST]\n    {% elif message['role'] == 'assistant' %}\n"
        "{{ message['content'] + eos_token }}\n    {% endif %}\n{% endfor %}\n"
    ),
}

user = lambda text: {"role": "user", "content": text}
assistant = lambda text: {"role": "assistant", "content": text}
system = lambda text: {"role": "system", "content": text}
CHATS = [
    [user("What is the capital of France?")],
    [system("Be brief."), user("Hi"), assistant("Hello!"), user("  spaces around  \n")],
    [user("")],
    [user("{{ 7 * 7 }} {% if true %}no{% endif %} {# no comment #}")],
    [user("quotes ' \" and \\ back\\nslashes & <b>html</b>"), assistant("naïve 日本語 🙂")],
    [user("line one\nline two\r\n\ttabbed"), assistant("ok"), user("again")],
]

environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
print(json.dumps([
    {
        "name": name,
        "template": template,
        "messages": chat,
        "text": environment.from_string(template).render(
            messages=chat, add_generation_prompt=True, bos_token="<|begin_of_text|>", eos_token="</s>"),
    }
    for name, template in TEMPLATES.items() for chat in CHATS
], indent=1, ensure_ascii=False))
