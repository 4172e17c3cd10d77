"""Training: mixed batches of all sources, unknown labels masked out of the loss."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from mailhealth.train.example import UNKNOWN, YES, Example
from mailhealth.train.network import LEVELS, TINY, Network, batch_of

WARM = 0.06  # share of the steps in which the rate climbs
POOL = 40  # batches that are sorted by length together
INTENT_LOSS = 14.0  # a mean over mostly easy NOs is small: brought to the size of the other loss
SEEN = 400  # texts from which the size of the encoder's states is measured
RARE = 0.01  # no label is thought rarer before training

Batch = list[Example]


def fit(
    network: Network,
    tokenizer: Tokenizer,
    *,
    examples: Sequence[Example],
    recipe: Mapping[str, Any],
    progress: Callable[[str], None],
) -> None:
    """Train the network in place; the same seed and machine give the same weights.

    Embeddings and the recipe's lowest layers stay frozen: they are most of the parameters, and
    languages without training texts keep their place beside the others.
    """
    torch.manual_seed(recipe["seed"])
    for part in (network.encoder.embeddings, *network.encoder.encoder.layer[: recipe["frozen"]]):
        part.requires_grad_(False)
    _settle(network, tokenizer, examples, recipe)
    rounding = [linear.register_forward_pre_hook(_rounded) for linear in _linears(network)]
    network.train()
    epochs = _epochs(tokenizer, examples, recipe)
    for passes in recipe["cycles"]:
        batches = [batch for _ in range(passes) for batch in next(epochs)]
        _cycle(network, tokenizer, batches, recipe=recipe, progress=progress)
    network.eval()
    network.fold()
    for hook in rounding:
        hook.remove()


def _cycle(
    network: Network,
    tokenizer: Tokenizer,
    batches: Sequence[Batch],
    *,
    recipe: Mapping[str, Any],
    progress: Callable[[str], None],
) -> None:
    """Let the rate climb and fall once (Loshchilov and Hutter 2017: a warm restart)."""
    optimiser, schedule = _optimiser(network, recipe, len(batches))
    mean = 0.0
    for step, batch in enumerate(batches):
        loss = _loss(network, tokenizer, batch, recipe["max_tokens"])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        mean = 0.98 * mean + 0.02 * loss.item() if step else loss.item()
        if step % 50 == 0:
            progress(f"step {step} of {len(batches)}, loss {mean:.3f}")


@torch.no_grad()
def _settle(
    network: Network,
    tokenizer: Tokenizer,
    examples: Sequence[Example],
    recipe: Mapping[str, Any],
) -> None:
    """Let the heads begin where a label is as likely as it is often, and the states are of size 1.

    A bias that begins at zero takes thousands of small steps to its place, and until then the
    encoder is bent to do its work.
    """
    network.eval()
    some = random.Random(recipe["seed"]).sample(list(examples), min(SEEN, len(examples)))
    batches = (batch_of(tokenizer, [e.text], recipe["max_tokens"]) for e in some)
    means = torch.stack([network.encoder(*batch).last_hidden_state[0].mean(0) for batch in batches])
    network.centre.copy_(means.mean(dim=0))
    network.spread.copy_((means - network.centre).square().mean().sqrt().clamp(min=1e-6))
    network.heads.bias.copy_(torch.cat([_shares(examples, network.sentiments), _odds(examples)]))


def _shares(examples: Sequence[Example], sentiments: int) -> Tensor:
    told = torch.tensor([e.sentiment for e in examples])
    counts = torch.stack([(told == each).sum() for each in range(sentiments)])
    return (counts / counts.sum().clamp(min=1)).clamp(min=RARE).log()


def _odds(examples: Sequence[Example]) -> Tensor:
    told = torch.tensor([e.intents for e in examples])
    share = (told == YES).sum(dim=0) / (told != UNKNOWN).sum(dim=0).clamp(min=1)
    return share.clamp(min=RARE, max=1 - RARE).logit()


def _linears(network: Network) -> list[nn.Module]:
    return [part for part in network.encoder.encoder.modules() if isinstance(part, nn.Linear)]


def _rounded(_: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """Give a linear layer what it will get in the shipped file: numbers rounded to 8 bits a token.

    The slope is that of the numbers as they were (Bengio et al. 2013), so the network learns
    answers that rounding does not turn.
    """
    (states,) = inputs
    scale = states.detach().abs().amax(dim=-1, keepdim=True).clamp(min=TINY) / LEVELS
    return states + ((states / scale).round() * scale - states).detach()


def _optimiser(
    network: Network, recipe: Mapping[str, Any], steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    body = [p for p in network.encoder.parameters() if p.requires_grad]
    heads = [*network.heads.parameters(), *network.look.parameters()]
    optimiser = torch.optim.AdamW(
        [
            {"params": body, "lr": recipe["rate"], "weight_decay": 0.01},
            {"params": heads, "lr": recipe["head_rate"]},
        ]
    )
    warm = max(int(WARM * steps), 1)

    def factor(step: int) -> float:
        return (step + 1) / warm if step < warm else (steps - step) / max(steps - warm, 1)

    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, factor)


def _epochs(
    tokenizer: Tokenizer, examples: Sequence[Example], recipe: Mapping[str, Any]
) -> Iterator[list[Batch]]:
    """Yield the batches of each epoch: shuffled, and of similar length within a batch."""
    dice = random.Random(recipe["seed"])
    sources = {source["name"]: source for source in recipe["source"]}
    for number in range(sum(recipe["cycles"])):
        repeats = {name: _repeats(source, number) for name, source in sources.items()}
        epoch = [e for e in examples for _ in range(repeats[e.source])]
        dice.shuffle(epoch)
        epoch = [_wrap(example, recipe, dice) for example in epoch]
        lengths = [len(c.ids) for c in tokenizer.encode_batch([e.text for e in epoch])]
        cut = [min(length, recipe["max_tokens"]) for length in lengths]
        yield list(_bucketed(epoch, cut, recipe["batch_tokens"], dice))


def _repeats(source: Mapping[str, Any], epoch: int) -> int:
    """How often a source comes in an epoch; after its `until` epochs not at all."""
    return int(source.get("repeat", 1)) if epoch < source.get("until", epoch + 1) else 0


def _bucketed(
    epoch: Batch, lengths: list[int], tokens: int, dice: random.Random
) -> Iterator[Batch]:
    mean = max(sum(lengths) / max(len(lengths), 1), 1)
    pool = max(int(POOL * tokens / mean), 1)
    for start in range(0, len(epoch), pool):
        order = sorted(range(start, min(start + pool, len(epoch))), key=lengths.__getitem__)
        batches: list[Batch] = [[]]
        for number in order:
            if batches[-1] and (len(batches[-1]) + 1) * lengths[number] > tokens:
                batches.append([])
            batches[-1].append(epoch[number])
        dice.shuffle(batches)
        yield from batches


def _wrap(example: Example, recipe: Mapping[str, Any], dice: random.Random) -> Example:
    """Put a greeting before or a closing after a sentence; what it says stays what it said."""
    before = recipe.get("before", {}).get(example.lang)
    after = recipe.get("after", {}).get(example.lang)
    letter = "\n" in example.text
    if letter or not before or not after or dice.random() >= recipe["wrapped"]:
        return example
    gap = dice.choice(["\n", " "]) if example.lang == "en" else dice.choice(["\n", ""])
    parts = [example.text]
    which = dice.choice(["before", "after", "both"])
    if which != "after":
        parts.insert(0, dice.choice(before))
    if which != "before":
        parts.append(dice.choice(after))
    return replace(example, text=gap.join(parts))


def _loss(network: Network, tokenizer: Tokenizer, batch: Batch, longest: int) -> Tensor:
    ids, mask = batch_of(tokenizer, [example.text for example in batch], longest)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(ids, mask)
    logits = logits.float()
    weights = torch.tensor([example.weight for example in batch])
    sentiments = torch.tensor([example.sentiment for example in batch])
    feelings = nn.functional.cross_entropy(
        logits[:, : network.sentiments],
        sentiments,
        ignore_index=UNKNOWN,
        reduction="none",
        label_smoothing=0.05,
    )
    intents = torch.tensor([example.intents for example in batch])
    known = (intents != UNKNOWN).float() * weights.unsqueeze(1)
    wants = nn.functional.binary_cross_entropy_with_logits(
        logits[:, network.sentiments :], intents.clamp(min=0).float(), reduction="none"
    )
    told = (sentiments != UNKNOWN).float() * weights
    feeling = (feelings * weights).sum() / told.sum().clamp(min=1)
    want = (wants * known).sum() / known.sum().clamp(min=1)
    return feeling + INTENT_LOSS * want + _teaching(logits, batch, network.sentiments)


def _teaching(logits: Tensor, batch: Batch, sentiments: int) -> Tensor:
    """How far a student is from its teacher (Hinton et al. 2015); 0 without one."""
    rows = [number for number, example in enumerate(batch) if example.taught]
    if not rows:
        return logits.new_zeros(())
    said = torch.tensor([batch[number].taught for number in rows])
    feeling = nn.functional.cross_entropy(logits[rows, :sentiments], said[:, :sentiments])
    want = nn.functional.binary_cross_entropy_with_logits(
        logits[rows, sentiments:], said[:, sentiments:]
    )
    return feeling + INTENT_LOSS * want
