#!/usr/bin/env python3
"""Compares recipes of recovery at one level, after the same processor time: ours, parts of it removed or changed, the paper's.

    pip install torch gguf numpy llama-cpp-python
    python recipes.py BASE.gguf FOLDER DATA --share 0.6 --minutes 4

FOLDER is what `elms elasticize --levels SHARE,…` makes before it trains (state.gguf, texts.gguf). Each recipe trains one level
alone; its own weights (adapters, LoRA) count in its share. Printed: KL to the full model on held-out text and zero-shot accuracy,
each with the difference from ours, window by window and question by question.
"""
import argparse
import json
import math
import os
import time

import gguf
import llama_cpp
import numpy as np
import torch
import torch.nn.functional as F

from distill import BATCH, PLACES, TEXT, VECTORS, Level, Model, backward, hidden, lesson, probabilities, step, value
from texts import HELD_OUT

SEED = 1
TASKS = ('arc_easy.test', 'piqa.validation', 'sciq.test', 'openbookqa.test')
WINDOW = 512
QUESTIONS = 16  # at a time, of about the same length
TEXTS = 12  # sequences that biases are measured on
WARM_UP = 5  # batches
DEVIATION = 0.02  # of what adapters start from
FITTED, RIDGE = 24, 0.1  # sequences of a closed form, and its ridge as a share of the mean energy
OWN_TEXTS, BEGINNING = 240, 16  # sequences that the model itself writes, and the tokens of a text that each begins with
# The paper's recipe (ELMS, arXiv 2409.09071, and the authors' code).
SAMPLES, SAMPLE_LENGTH, ANCHORS = 10, 64, 6
LORA_RANK, LORA_SCALE = 8, 2
MATRICES = ('q', 'k', 'v', 'o', 'gate', 'up', 'down')


def share(model, heads, neurons, rank, lora=False):
    """Of the decoder's weights, those that recovery adds among them."""
    w, d = model.width, model.head_dim
    added = lambda h, n: rank * (7 * w + 2 * (h + model.kv_heads) * d + 3 * n if lora
                                 else 2 * w + (h * d + w) * (h > 0) + (n + 3 * w) * (n > 0))
    layer = lambda h, n: 2 * w * (model.kv_heads + h) * d + 3 * w * n
    return sum(layer(h, n) + added(h, n) for h, n in zip(heads, neurons)) / model.layers / layer(model.heads, model.neurons)


def alike(model, target, rank, anchors=(), lora=False):
    """The same widths in all layers but the anchors, as near to a share as blocks of 32 neurons allow."""
    def widths(blocks):
        neurons = 32 * blocks
        heads = max(1, round(model.heads * neurons / model.neurons))
        return ([model.heads if i in anchors else heads for i in range(model.layers)],
                [model.neurons if i in anchors else neurons for i in range(model.layers)])
    return min((widths(blocks) for blocks in range(1, model.neurons // 32 + 1)),
               key=lambda both: abs(share(model, *both, rank, lora) - target))


def whole(model):
    return Level(model, [model.heads] * model.layers, [model.neurons] * model.layers)


def lacks(model, level, ids):
    """What each block of a level lacks where the full model reads: layer, block, the full model's stream behind it, and that."""
    full = whole(model)
    x = F.embedding(ids, model.embedding)
    cos, sin = model.rotation(ids.shape[1], ids.device)
    mask = torch.full((ids.shape[1], ids.shape[1]), -math.inf).triu(1).bfloat16()
    for i, block in enumerate(model.blocks):
        q, k, v = full.queries(i, block, x, cos, sin)
        attended = full.attend(i, block, x, q, k, v, mask)
        yield i, 'attn', attended, attended - level.attend(i, block, x, q[:, :level.heads[i]], k, v, mask)
        x = full.feed_forward(i, block, attended)
        yield i, 'ffn', x, x - level.feed_forward(i, block, attended)


@torch.no_grad()
def biases(model, level, ids):
    """What the units that a level leaves out add on average (FLAP, arXiv 2312.11983)."""
    rows = {'attn_bias': [], 'ffn_bias': []}
    for _, kind, _, lack in lacks(model, Level(model, level.heads, level.neurons), ids):
        rows[kind + '_bias'].append(lack.mean((0, 1)))
    return {name: torch.stack(each).float() for name, each in rows.items()}


def ours(model, heads, neurons, rank, ids, with_bias=True):
    """A level with adapters and rows of its own, and what of it is trained."""
    torch.manual_seed(SEED)
    columns = dict(attn_input=model.width, attn_output=model.heads * model.head_dim, ffn_input=model.width,
                   ffn_output=model.neurons)
    shared = [{place: (DEVIATION * torch.randn(rank, columns[place]), torch.zeros(rank, model.width)) for place in PLACES}
              for _ in range(model.layers)]
    vectors = {name: torch.stack([block[name] for block in model.blocks]) for name in ('attn_norm', 'ffn_norm')}
    level = Level(model, heads, neurons, rank, shared, vectors)
    found = biases(model, level, ids)
    vectors |= found if with_bias else {name: torch.zeros_like(rows) for name, rows in found.items()}
    trained = {f'blk.{i}.{place}.{side}': t for i, places in enumerate(shared) for place, pair in places.items()
               for side, t in zip(('down', 'up'), pair)}
    trained |= {f'level.{name}': vectors[name] for name in VECTORS if with_bias or not name.endswith('bias')}
    return level, trained


class Witness(Level):
    """A level that notes what its last adapter read."""

    def adapt(self, i, place, x):
        self.read = x
        return super().adapt(i, place, x)


@torch.no_grad()
def closed_form(model, level, ids):
    """Starts the adapters beside o and down, which write nothing yet, from what would best add what each block lacks."""
    witness = Witness(model, level.heads, level.neurons, level.rank, level.shared, level.vectors)
    for i, kind, stream, lack in lacks(model, witness, ids):
        if (level.heads if kind == 'attn' else level.neurons)[i]:
            flat = lambda t: t.flatten(0, 1).double()
            down, up, bias = regression(flat(witness.read), flat(lack), 1 / flat(stream).square().sum(-1), level.rank)
            own = level.shared[i][kind + '_output']
            own[0][:, :down.shape[1]] = down
            own[1].copy_(up)
            level.vectors[kind + '_bias'][i] += bias


def regression(x, y, weight, rank):
    """Down, up and bias that best make y of x: a ridge regression, cut to a rank in the metric of x."""
    weight = weight / weight.sum()
    means = weight @ x, weight @ y
    x, y = ((t - mean) * weight.sqrt()[:, None] for t, mean in zip((x, y), means))
    metric = x.t() @ x
    metric.diagonal().add_(RIDGE * metric.diagonal().mean())
    root = torch.linalg.cholesky(metric)
    u, s, v = torch.linalg.svd(torch.linalg.solve_triangular(root, x.t() @ y, upper=False).t(), full_matrices=False)
    down, up = torch.linalg.solve_triangular(root.t(), v[:rank].t(), upper=True).t(), u.t()[:rank] * s[:rank, None]
    scale = DEVIATION / down.square().mean(1, keepdim=True).sqrt()
    return down * scale, up / scale, means[1] - means[0] @ down.t() @ up


@torch.no_grad()
def sampled(model, ids, length):
    """Texts that the model itself writes on from some beginnings, at temperature one."""
    torch.manual_seed(SEED)
    full = whole(model)
    cos, sin = model.rotation(length, ids.device)
    mask = torch.full((length, length), -math.inf).triu(1).bfloat16()
    caches, done = [[] for _ in model.blocks], 0
    while done < length:
        span = slice(done, ids.shape[1])
        x = F.embedding(ids[:, span], model.embedding)
        for i, block in enumerate(model.blocks):
            q, *new = full.queries(i, block, x, cos[:, span], sin[:, span])
            caches[i] = [torch.cat(both, 2) for both in zip(caches[i], new)] if done else new
            x = full.feed_forward(i, block, full.attend(i, block, x, q, *caches[i], mask[span, :span.stop]))
        done = span.stop
        h = F.rms_norm(x[:, -1], (model.width,), model.output_norm, model.epsilon).bfloat16()
        ids = torch.cat([ids, torch.multinomial(probabilities(model, h), 1)], 1)
    return ids[:, :length]


class Lora(Level):
    """Low-rank changes beside all seven matrices of a layer (arXiv 2106.09685)."""

    def __init__(self, model, heads, neurons):
        super().__init__(model, heads, neurons)
        torch.manual_seed(SEED)
        self.pairs = [{name: (torch.randn(LORA_RANK, block[name].shape[1]) / math.sqrt(block[name].shape[1]),
                              torch.zeros(block[name].shape[0], LORA_RANK)) for name in MATRICES} for block in model.blocks]

    def trained(self):
        return {f'blk.{i}.{name}.{side}': t for i, pairs in enumerate(self.pairs) for name, pair in pairs.items()
                for side, t in zip('ab', pair)}

    def changed(self, i, block, names):
        return block | {name: block[name] + LORA_SCALE * (b @ a).bfloat16() for name in names for a, b in [self.pairs[i][name]]}

    def queries(self, i, block, x, cos, sin):
        return super().queries(i, self.changed(i, block, 'qkv'), x, cos, sin)

    def attend(self, i, block, x, q, k, v, mask):
        return super().attend(i, self.changed(i, block, 'o'), x, q, k, v, mask)

    def feed_forward(self, i, block, x):
        return super().feed_forward(i, self.changed(i, block, ('gate', 'up', 'down')), x)


def loss(model, level, ids):
    """Of the next token, and the gradient where weights want one."""
    logits = hidden(model, ids, level, level, ids.shape[1]).view(*ids.shape, -1)[:, :-1] @ model.output.t()
    return F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten())


def taylor(path, ids, device):
    """The paper's order, |weight · gradient| summed over a unit, and its anchors: the layers whose absence costs most."""
    model = Model(path, None, device)
    weights = [block[name].requires_grad_() for block in model.blocks for name in ('q', 'o', 'gate', 'up', 'down')]
    loss(model, whole(model), ids).backward()
    order = [], []
    for block in model.blocks:
        change = {name: (block[name] * block[name].grad).float().abs() for name in ('q', 'o', 'gate', 'up', 'down')}
        heads = change['q'].sum(1).view(model.heads, -1).sum(1) + change['o'].sum(0).view(model.heads, -1).sum(1)
        order[0].append(heads.argsort(descending=True).tolist())
        order[1].append((change['gate'].sum(1) + change['up'].sum(1) + change['down'].sum(0)).argsort(descending=True).tolist())
    for weight in weights:
        weight.requires_grad_(False)
    with torch.no_grad():
        without = lambda i, count: [0 if j == i else count for j in range(model.layers)]
        cost = [loss(model, Level(model, without(i, model.heads), without(i, model.neurons)), ids).item()
                for i in range(model.layers)]
    return order, sorted(range(model.layers), key=lambda i: -cost[i])[:ANCHORS]


def train(model, level, trained, texts, minutes, text=TEXT, mixed=True):
    """Spends minutes of processor time on the full model's predictions and for a share on the text; returns the number of batches."""
    for t in trained.values():
        t.requires_grad_()
    full, moments = whole(model), {name: [torch.zeros_like(t), torch.zeros_like(t)] for name, t in trained.items()}
    start, batch = time.process_time(), 0
    while (spent := (time.process_time() - start) / 60 / minutes) < 1:
        ids = texts[[(batch * BATCH + j) % len(texts) for j in range(BATCH)]]
        length = ids.shape[1]
        h = hidden(model, ids, level, full, length // 2 if mixed and batch % 3 == 0 else length)
        if text < 1:
            with torch.no_grad():
                target = lesson(model, full, ids, text)
        else:
            h = h.view(*ids.shape, -1)[:, :-1].flatten(0, 1)
            target = F.one_hot(ids[:, 1:].flatten(), len(model.output)).float()
        backward(model, h, target, 1)
        rate = min(1, (batch + 1) / WARM_UP) * (0.05 + 0.95 * (1 + math.cos(math.pi * spent)) / 2)
        step(trained, moments, batch + 1, rate)
        batch += 1
    for t in trained.values():
        t.requires_grad_(False)
    return batch


class Exam:
    """Held-out windows, and questions with their choices, as tokens."""

    def __init__(self, path, data, windows, questions):
        tokenizer = llama_cpp.Llama(path, vocab_only=True, verbose=False)
        encode = lambda text: tokenizer.tokenize(text.encode(), add_bos=False, special=False)
        rows = lambda name: [json.loads(line) for line in open(os.path.join(data, name + '.jsonl'), encoding='utf-8')]
        sources = [open(os.path.join(data, 'text/wikitext2.test.txt'), encoding='utf-8').read()]
        sources += [book['text'] for book in rows('text/books') if book['title'] in HELD_OUT]
        self.windows = [torch.tensor(tokens[i * WINDOW:(i + 1) * WINDOW]) for tokens in
                        (encode(source[:windows * WINDOW * 8]) for source in sources) for i in range(windows)]
        self.tasks = []
        for task in TASKS:
            self.tasks.append([])
            for row in rows('qa/' + task)[:questions]:
                context = row['question'] if task.startswith('openbookqa') else f"Question: {row['question']}\nAnswer:"
                choices = [encode(f'{context} {choice}') for choice in row['choices']]
                self.tasks[-1].append((len(encode(context)), choices, row['answer']))

    @torch.no_grad()
    def divergences(self, model, level):
        """KL to the full model of each window, in nats a token."""
        full, result = whole(model), []
        for window in self.windows:
            p, q = (torch.log_softmax((hidden(model, window[None], one, one, WINDOW) @ model.output.t()).float(), -1)
                    for one in (full, level))
            result.append((p.exp() * (p - q)).sum(-1).mean().item())
        return np.array(result)

    def right(self, model, level):
        """Ones for questions whose likeliest choice is the right one, and zeros; task by task."""
        return [self.answered(model, level, task) for task in self.tasks]

    @torch.no_grad()
    def answered(self, model, level, task):
        right = np.zeros(len(task))
        order = sorted(range(len(task)), key=lambda i: max(map(len, task[i][1])))
        for group in (order[i:i + QUESTIONS] for i in range(0, len(order), QUESTIONS)):
            scores = iter(self.scores(model, level, [(task[i][0], choice) for i in group for choice in task[i][1]]))
            for i in group:
                _, choices, answer = task[i]
                right[i] = np.argmax([next(scores) for _ in choices]) == answer
        return right

    def scores(self, model, level, choices):
        """Log-probability of each choice, given the tokens before where it starts. Padding stands behind, where nobody sees it."""
        longest = max(len(choice) for _, choice in choices)
        ids = torch.tensor([choice + [0] * (longest - len(choice)) for _, choice in choices])
        h = hidden(model, ids, level, level, longest).view(len(choices), longest, -1)
        rows, places = (torch.tensor(each) for each in zip(*((row, place) for row, (start, choice) in enumerate(choices)
                                                             for place in range(start, len(choice)))))
        logs = torch.log_softmax((h[rows, places - 1] @ model.output.t()).float(), -1)
        return torch.zeros(len(choices)).index_add(0, rows, logs.gather(-1, ids[rows, places, None])[:, 0]).tolist()


def compared(own, other):
    """Mean difference of the strata, and its standard error sample by sample."""
    differences = [a - b for a, b in zip(own, other)]
    error = math.sqrt(sum(d.var(ddof=1) / len(d) for d in differences)) / len(differences)
    return f'{np.mean([d.mean() for d in differences]):+.3f} ± {error:.3f}'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('base')
    parser.add_argument('folder')
    parser.add_argument('data')
    parser.add_argument('--share', type=float, default=0.6, help='of the level, which the state must have')
    parser.add_argument('--minutes', type=float, default=4, help='of processor time to train each recipe')
    parser.add_argument('--windows', type=int, default=12, help='of each held-out text')
    parser.add_argument('--questions', type=int, default=100, help='of each task')
    parser.add_argument('--recipes', nargs='*', help='beside ours: paper, predictions, next-token (all of the loss on either), uniform, '
                        'no-biases, untrained, random-order, closed-form, own-text (default: all)')
    options = parser.parse_args()
    state = gguf.GGUFReader(os.path.join(options.folder, 'state.gguf'))
    order = [value(state, 'elms.order.' + units) for units in ('heads', 'neurons')]
    texts = torch.from_numpy(np.array(gguf.GGUFReader(os.path.join(options.folder, 'texts.gguf')).tensors[0].data)).long()
    model = Model(options.base, order, 'cpu')
    ranks = value(state, 'elms.levels.rank')
    widths = lambda key: np.array(value(state, key)).reshape(len(ranks), model.layers).tolist()
    levels = list(zip(widths('elms.levels.heads'), widths('elms.levels.neurons'), ranks))
    heads, neurons, rank = min(levels, key=lambda level: abs(share(model, *level) - options.share))
    target = share(model, heads, neurons, rank)
    exam = Exam(options.base, options.data, options.windows, options.questions)
    few = texts[:TEXTS]
    reference = None

    def report(name, model, level, trained, own_share, texts=texts, **how):
        nonlocal reference
        batches = train(model, level, trained, texts, options.minutes, **how) if trained else 0
        kl, right = exam.divergences(model, level), exam.right(model, level)
        reference = reference or (kl, right)
        print(f'{name}: share {own_share:.3f}, {batches} batches, KL {kl.mean():.3f} ({compared([kl], [reference[0]])}), '
              f'accuracy {np.mean([r.mean() for r in right]):.3f} ({compared(right, reference[1])})', flush=True)

    def plain(name, **how):
        report(name, model, *ours(model, heads, neurons, rank, few), target, **how)

    def papers(name):
        learnt, anchors = taylor(options.base, texts[:SAMPLES, :SAMPLE_LENGTH], 'cpu')
        own = Model(options.base, learnt, 'cpu')
        lora = Lora(own, *alike(own, target, LORA_RANK, anchors, lora=True))
        report(name, own, lora, lora.trained(), share(own, lora.heads, lora.neurons, LORA_RANK, lora=True),
               text=1, mixed=False)

    def uniform(name):
        same = alike(model, target, rank)
        report(name, model, *ours(model, *same, rank, few), share(model, *same, rank))

    def without_biases(name):
        report(name, model, *ours(model, heads, neurons, rank, few, with_bias=False), target)

    def untrained(name):
        report(name, model, ours(model, heads, neurons, rank, few)[0], {}, target)

    def shuffled(name):
        random = np.random.default_rng(SEED)
        own = Model(options.base, [[random.permutation(count).tolist() for _ in range(model.layers)]
                                   for count in (model.heads, model.neurons)], 'cpu')
        report(name, own, *ours(own, heads, neurons, rank, few), target)

    def from_closed_form(name):
        level, trained = ours(model, heads, neurons, rank, few)
        closed_form(model, level, texts[:FITTED])
        report(name, model, level, trained, target)

    def on_own_text(name):
        plain(name, texts=sampled(model, texts[:OWN_TEXTS, :BEGINNING], texts.shape[1]))

    recipes = {'paper': papers, 'predictions': lambda name: plain(name, text=0), 'next-token': lambda name: plain(name, text=1),
               'uniform': uniform, 'no-biases': without_biases, 'untrained': untrained, 'random-order': shuffled,
               'closed-form': from_closed_form, 'own-text': on_own_text}
    plain('ours')
    for name in options.recipes or recipes:
        recipes[name](name)


if __name__ == '__main__':
    main()
