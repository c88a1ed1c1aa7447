#!/usr/bin/env python3
"""Writes the texts that SmolLM2's pack is trained on, from the evaluation data: all but what is only reported.

    python texts.py DATA FOLDER

Two books are kept from it (elms.eval.HeldOut), and questions that also occur in a reporting file.
"""
import json
import os
import sys

REPORTED = ('arc_easy.test', 'arc_challenge.test', 'openbookqa.test', 'sciq.test', 'mmlu.test', 'piqa.validation', 'boolq.validation',
            'octopus.validation', 'llamatouch.validation')
TRAINED = ('arc_easy.train', 'arc_challenge.train', 'openbookqa.train')
HELD_OUT = ('The-War-of-the-Worlds_36', 'Treasure-Island_120')


def rows(data, name):
    with open(os.path.join(data, name + '.jsonl'), encoding='utf-8') as lines:
        return [json.loads(line) for line in lines]


def write(folder, name, content):
    with open(os.path.join(folder, name + '.jsonl'), 'w', encoding='utf-8') as file:
        file.writelines(json.dumps(row) + '\n' for row in content)


def questions(data):
    """Those that are trained on."""
    key = lambda row: (row['question'], tuple(row['choices']))
    reported = {key(row) for name in REPORTED for row in rows(data, 'qa/' + name)}
    return [row for name in TRAINED for row in rows(data, 'qa/' + name) if key(row) not in reported]


def main(data, folder):
    os.makedirs(folder, exist_ok=True)
    write(folder, 'books', [book for book in rows(data, 'text/books') if book['title'] not in HELD_OUT])
    write(folder, 'c4', rows(data, 'text/c4'))
    write(folder, 'dolly', rows(data, 'instruct/dolly'))
    write(folder, 'science', questions(data))


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
