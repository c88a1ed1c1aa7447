#!/usr/bin/env python3
"""The distillation step of `elms elasticize` in Python, for machines with a GPU and no JVM. It reads and writes the same checkpoint.

    pip install torch gguf numpy
    python distill.py BASE.gguf FOLDER --minutes 60

FOLDER is what `elms elasticize` made (state.gguf, texts.gguf); stop it there, run this, and go on with `elms elasticize --resume`.
"""
import argparse
import math
import os
import time

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from gguf.quants import dequantize

PLACES = ('attn_input', 'attn_output', 'ffn_input', 'ffn_output')
VECTORS = ('attn_norm', 'attn_bias', 'ffn_norm', 'ffn_bias')
ADAPTER_RATE, VECTOR_RATE = 2e-3, 1e-3
BETAS = (0.9, 0.95)
WARM_UP = 20  # batches
BATCH = 4  # sequences
TEXT = 0.5  # share of the loss that goes to the text's own next token
SAVE_EVERY = 180  # seconds


def value(reader, key):
    return reader.fields[key].contents()


class Model:
    """The full model's weights, rotary pairs as halves; units in an order, a permutation a layer, or in the file's own."""

    def __init__(self, path, order, device):
        reader = gguf.GGUFReader(path)
        get = lambda name: value(reader, 'llama.' + name)
        self.layers, self.width, self.heads = get('block_count'), get('embedding_length'), get('attention.head_count')
        self.kv_heads, self.neurons = get('attention.head_count_kv'), get('feed_forward_length')
        self.head_dim = self.width // self.heads
        self.epsilon, self.base = get('attention.layer_norm_rms_epsilon'), get('rope.freq_base')
        tensors = {t.name: t for t in reader.tensors}
        load = lambda name: torch.from_numpy(dequantize(tensors[name].data, tensors[name].tensor_type).astype(np.float32))
        heads, neurons = (np.array(units).reshape(self.layers, -1) for units in order) if order else (
            np.tile(np.arange(count), (self.layers, 1)) for count in (self.heads, self.neurons))
        half = torch.cat([torch.arange(0, self.head_dim, 2), torch.arange(1, self.head_dim, 2)])
        big = lambda t: t.contiguous().to(device, torch.bfloat16)
        self.blocks = []
        for i in range(self.layers):
            w = lambda name: load(f'blk.{i}.{name}.weight')
            h, n = torch.from_numpy(heads[i].astype(np.int64)), torch.from_numpy(neurons[i].astype(np.int64))
            rotated = lambda t, count: t.view(count, self.head_dim, self.width)[:, half]
            self.blocks.append(dict(
                q=big(rotated(w('attn_q'), self.heads)[h].flatten(0, 1)), k=big(rotated(w('attn_k'), self.kv_heads).flatten(0, 1)),
                v=big(w('attn_v')), o=big(w('attn_output').view(self.width, self.heads, self.head_dim)[:, h].flatten(1)),
                gate=big(w('ffn_gate')[n]), up=big(w('ffn_up')[n]), down=big(w('ffn_down')[:, n]),
                attn_norm=w('attn_norm').to(device), ffn_norm=w('ffn_norm').to(device),
                kv=(h // (self.heads // self.kv_heads)).to(device)))
        self.embedding = load('token_embd.weight').to(device)
        self.output = big(load('output.weight') if 'output.weight' in tensors else self.embedding)
        self.output_norm = load('output_norm.weight').to(device)

    def rotation(self, positions, device):
        """Cosines and sines of the first positions, as (1, positions, 1, head_dim / 2)."""
        frequencies = self.base ** (-torch.arange(0, self.head_dim, 2, device=device).float() / self.head_dim)
        angles = torch.arange(positions, device=device).float()[:, None] * frequencies
        return angles.cos()[None, :, None], angles.sin()[None, :, None]


class Level:
    """Widths of one level, and how a layer runs at it. The full model has no tuning."""

    def __init__(self, model, heads, neurons, rank=0, shared=None, vectors=None):
        self.model, self.heads, self.neurons, self.rank, self.shared, self.vectors = model, heads, neurons, rank, shared, vectors

    def adapt(self, i, place, x):
        """What the adapter of a place adds: up · down · x."""
        down, up = self.shared[i][place]
        return (x @ down[:self.rank, :x.shape[-1]].to(x.dtype).t()) @ up[:self.rank].to(x.dtype)

    def normed(self, i, block, x, norm, place):
        weight = self.vectors[norm][i] if self.vectors else block[norm]
        x = F.rms_norm(x, (self.model.width,), weight, self.model.epsilon)
        return (x + self.adapt(i, place, x.bfloat16())).bfloat16() if self.vectors else x.bfloat16()

    def queries(self, i, block, x, cos, sin):
        """Queries, keys and values of some positions, rotated, as (batch, heads, positions, head_dim)."""
        m = self.model
        h = self.normed(i, block, x, 'attn_norm', 'attn_input')
        q = h @ block['q'][:self.heads[i] * m.head_dim].t()
        split = lambda t: t.unflatten(-1, (-1, m.head_dim))
        return (rotate(split(q), cos, sin).transpose(1, 2), rotate(split(h @ block['k'].t()), cos, sin).transpose(1, 2),
                split(h @ block['v'].t()).transpose(1, 2))

    def attend(self, i, block, x, q, k, v, mask):
        """The residual stream after attention."""
        kv = block['kv'][:self.heads[i]]
        if self.heads[i]:
            scores = q @ k[:, kv].transpose(-1, -2) * self.model.head_dim ** -0.5 + mask
            a = (scores.softmax(-1) @ v[:, kv]).transpose(1, 2).flatten(2)
            x = x + a @ block['o'][:, :a.shape[-1]].t()
            if self.vectors:
                x = x + self.adapt(i, 'attn_output', a)
        return x + self.vectors['attn_bias'][i] if self.vectors else x

    def feed_forward(self, i, block, x):
        n = self.neurons[i]
        if n:
            h = self.normed(i, block, x, 'ffn_norm', 'ffn_input')
            a = F.silu(h @ block['gate'][:n].t()) * (h @ block['up'][:n].t())
            x = x + a @ block['down'][:, :n].t()
            if self.vectors:
                x = x + self.adapt(i, 'ffn_output', a)
        return x + self.vectors['ffn_bias'][i] if self.vectors else x


def rotate(x, cos, sin):
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1).bfloat16()


def hidden(model, ids, reader, answerer, cut):
    """What the output head reads, when one level reads the first positions and another the rest, over the first one's cache."""
    x = F.embedding(ids, model.embedding)
    cos, sin = model.rotation(ids.shape[1], ids.device)
    mask = torch.full((ids.shape[1], ids.shape[1]), -math.inf, device=ids.device).triu(1).bfloat16()
    parts = [(reader, slice(0, cut)), (answerer, slice(cut, None))] if cut < ids.shape[1] else [(reader, slice(None))]
    streams = [x[:, span] for _, span in parts]
    for i, block in enumerate(model.blocks):
        keys, values = [], []
        for p, (level, span) in enumerate(parts):
            q, k, v = level.queries(i, block, streams[p], cos[:, span], sin[:, span])
            keys.append(k)
            values.append(v)
            end = sum(t.shape[2] for t in keys)
            streams[p] = level.attend(i, block, streams[p], q, torch.cat(keys, 2), torch.cat(values, 2), mask[span, :end])
            streams[p] = level.feed_forward(i, block, streams[p])
    return F.rms_norm(torch.cat(streams, 1), (model.width,), model.output_norm, model.epsilon).flatten(0, 1).bfloat16()


def probabilities(model, h):
    return (h @ model.output.t()).softmax(-1, dtype=torch.float32)


def lesson(model, full, ids, text=TEXT):
    """What a level is to predict: what the full model predicts, but for a share that goes to the text's own next token."""
    target = probabilities(model, hidden(model, ids, full, full, ids.shape[1]))
    following = ids[:, 1:, None]
    target.view(*ids.shape, -1)[:, :-1].mul_(1 - text).scatter_add_(2, following, torch.full(following.shape, text, device=ids.device))
    return target


def backward(model, h, target, weight):
    """Gradients of weight · KL(target ‖ level), and that divergence; the head's own gradient is softmax − target."""
    q = probabilities(model, h.detach())
    loss = -(target * (q.log() - target.log()).nan_to_num(0, 0, 0)).sum() / len(q) if LOG else None
    h.backward(q.sub_(target).mul_(weight / len(q)).bfloat16() @ model.output)
    return loss


LOG = False


def main():
    global LOG
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('base')
    parser.add_argument('folder')
    parser.add_argument('--minutes', type=float, required=True, help='the whole budget, earlier runs included')
    options = parser.parse_args()
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    path = os.path.join(options.folder, 'state.gguf')
    state = gguf.GGUFReader(path)
    model = Model(options.base, [value(state, 'elms.order.' + units) for units in ('heads', 'neurons')], device)
    stored = {t.name: torch.from_numpy(np.array(t.data)).to(device) for t in state.tensors}
    trained = {name: t.requires_grad_() for name, t in stored.items() if name.startswith(('blk.', 'level.')) and name[-2:] not in ('.m', '.v')}
    shared = [{p: (trained[f'blk.{i}.adapter.{p}.down'], trained[f'blk.{i}.adapter.{p}.up']) for p in PLACES} for i in range(model.layers)]
    ranks = value(state, 'elms.levels.rank')
    widths = lambda key: np.array(value(state, key)).reshape(len(ranks), model.layers).tolist()
    levels = [Level(model, h, n, rank, shared, {v: trained[f'level.{j}.{v}'] for v in VECTORS})
              for j, (h, n, rank) in enumerate(zip(widths('elms.levels.heads'), widths('elms.levels.neurons'), ranks))]
    full = Level(model, [model.heads] * model.layers, [model.neurons] * model.layers)
    moments = {name: [stored.get(f'{name}.{m}', torch.zeros_like(t)) for m in 'mv'] for name, t in trained.items()}
    texts = torch.from_numpy(np.array(gguf.GGUFReader(os.path.join(options.folder, 'texts.gguf')).tensors[0].data)).long()
    batch, spent, budget = value(state, 'elms.recovery.batches'), value(state, 'elms.recovery.seconds'), options.minutes * 60
    start, saved, losses = time.time() - spent, time.time(), {}
    while (elapsed := time.time() - start) < budget:
        ids = texts[[(batch * BATCH + j) % len(texts) for j in range(BATCH)]].to(device)
        with torch.no_grad():
            target = lesson(model, full, ids)
        LOG = batch % 10 == 0
        # Three levels a batch, one of each third; the full model reads the cache of one of them from the middle on.
        for turn in range(3):
            third = range(-(-turn * len(levels) // 3), -(-(turn + 1) * len(levels) // 3))
            j = third[batch // 3 % len(third)]
            cut = ids.shape[1] // 2 if batch % 3 == turn else ids.shape[1]
            loss = backward(model, hidden(model, ids, levels[j], full, cut), target, 1 / 3)
            if LOG:
                losses[j, cut < ids.shape[1]] = loss.item()
        rate = min(1, (batch + 1) / WARM_UP) * (0.05 + 0.95 * (1 + math.cos(math.pi * elapsed / budget)) / 2)
        step(trained, moments, batch + 1, rate)
        batch += 1
        if batch % 30 == 1:
            print(f'{elapsed / 60:.1f} min, batch {batch}, loss', {k: round(v, 3) for k, v in sorted(losses.items())}, flush=True)
        if time.time() - saved > SAVE_EVERY:
            save(path, state, trained, moments, batch, time.time() - start)
            saved = time.time()
    save(path, state, trained, moments, batch, time.time() - start)


@torch.no_grad()
def step(trained, moments, count, rate):
    """Adam (Kingma and Ba, arXiv 1412.6980), on gradients of norm at most one."""
    grads = {name: t.grad for name, t in trained.items() if t.grad is not None}
    scale = min(1.0, 1 / (math.sqrt(sum(g.square().sum().item() for g in grads.values())) + 1e-6))
    for name, t in trained.items():
        if name not in grads:
            continue
        g, (m, v) = grads[name] * scale, moments[name]
        m.mul_(BETAS[0]).add_(g, alpha=1 - BETAS[0])
        v.mul_(BETAS[1]).addcmul_(g, g, value=1 - BETAS[1])
        base = ADAPTER_RATE if name.startswith('blk.') else VECTOR_RATE
        t.sub_(base * rate * (m / (1 - BETAS[0] ** count)) / ((v / (1 - BETAS[1] ** count)).sqrt() + 1e-8))
        t.grad = None


def save(path, state, trained, moments, batch, seconds):
    """Writes the state beside the old one and then in its place."""
    writer = gguf.GGUFWriter(path + '.part', 'elms-pack')
    for key, field in state.fields.items():
        if not key.startswith('elms.'):
            continue
        content = field.contents()
        if key in ('elms.recovery.batches', 'elms.recovery.seconds'):
            content = batch if key.endswith('batches') else int(seconds)
        if isinstance(content, list):
            writer.add_array(key, content)
        elif isinstance(content, str):
            writer.add_string(key, content)
        else:
            writer.add_uint32(key, content)
    tensors = {t.name: np.array(t.data) for t in state.tensors}
    for name, t in trained.items():
        tensors[name] = t.detach().cpu().numpy()
        tensors[name + '.m'], tensors[name + '.v'] = (m.cpu().numpy() for m in moments[name])
    for name, data in tensors.items():
        writer.add_tensor(name, np.ascontiguousarray(data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(path + '.part', path)


if __name__ == '__main__':
    main()
