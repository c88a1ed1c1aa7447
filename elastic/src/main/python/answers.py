#!/usr/bin/env python3
"""Writes what a served model itself answers, as a text that its levels are trained on besides others.

    ./elms serve smollm2 &
    python answers.py DATA FOLDER [URL]

It is asked what Dolly's users asked, about passages of books and of C4, and science questions. Answers that do not end by themselves
or that repeat themselves are left out. Two in five stay: some 600 of SmolLM2-135M's, after a quarter of an hour.
"""
import concurrent.futures
import json
import random
import sys
import time
import urllib.request

from texts import HELD_OUT, questions, rows, write

ASKED = 1441  # as for the pack that comes with Elms
AT_ONCE = 8
MOST_CHARACTERS = 1500  # of a question
MOST_TOKENS = 150  # of an answer
DOLLY_FROM = 100  # the first rows are what `elms eval language` has answered
BOOK_PASSAGES = 40  # of each book
TASKS = ('Summarize this in one sentence.', 'What is this text about?', 'Who or what is named in this text?', 'Give this text a title.',
         'Rewrite this in simpler words.', 'What happens here?', 'List the main points.', 'What can be learned from this?')


def passages(data, chance):
    """Beginnings of C4's texts, and passages of the books that are trained on."""
    found = [row['text'][:900].rsplit(' ', 1)[0] for row in rows(data, 'text/c4')]
    for book in rows(data, 'text/books'):
        for _ in range(BOOK_PASSAGES if book['title'] not in HELD_OUT else 0):
            at = chance.randrange(2000, len(book['text']) - 3000)
            at = max(at, book['text'].find('\n\n', at))
            found.append(book['text'][at:at + 800].strip().rsplit(' ', 1)[0])
    return found


def asks(data):
    """Instructions with their inputs, in the order to ask them: two of Dolly's, two about passages, a science question, and again."""
    chance = random.Random(1)
    dolly = [(row['instruction'], row['input']) for row in rows(data, 'instruct/dolly')[DOLLY_FROM:]]
    found = passages(data, chance)
    chance.shuffle(found)
    about = [(passage, chance.choice(TASKS)) for passage in found]
    science = [(row['question'], '') for row in questions(data) if row['question'].endswith('?')]
    chance.shuffle(science)
    kinds = [(dolly, 2), (about, 2), (science[:600], 1)]
    for kind, _ in kinds:
        chance.shuffle(kind)
    while any(kind for kind, _ in kinds):
        for kind, count in kinds:
            for _ in range(min(count, len(kind))):
                yield kind.pop()


def repeats(answer):
    words = answer.split()
    return len(words) > 20 and len(set(zip(words, words[1:], words[2:]))) < 0.6 * (len(words) - 2)


def answer(url, instruction, more):
    """What the full model answers; None if that is of no use."""
    body = json.dumps({'model': 'smollm2', 'max_tokens': MOST_TOKENS, 'temperature': 0,
                       'messages': [{'role': 'user', 'content': text(instruction, more)}]})
    request = urllib.request.Request(url + '/v1/chat/completions', body.encode(), {'Content-Type': 'application/json'})
    with urllib.request.urlopen(request) as reply:
        choice = json.load(reply)['choices'][0]
    said = choice['message']['content']
    return said if choice['finish_reason'] == 'stop' and said.strip() and not repeats(said) else None


def text(instruction, more):
    return instruction + ('\n' + more if more else '')


def wait(url):
    """Until the model is loaded."""
    for _ in range(120):
        try:
            urllib.request.urlopen(url + '/health').close()
            return
        except OSError:
            time.sleep(1)
    sys.exit(f'no model is served at {url}; start ./elms serve first')


def main(data, folder, url='http://127.0.0.1:11435'):
    wait(url)
    chosen = [ask for ask in asks(data) if len(text(*ask)) <= MOST_CHARACTERS][:ASKED]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as clients:
        answers = list(clients.map(lambda ask: answer(url, *ask), chosen))
    write(folder, 'answers', [{'instruction': first, 'input': more, 'output': said}
                              for (first, more), said in zip(chosen, answers) if said])


if __name__ == '__main__':
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
