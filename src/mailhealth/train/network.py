"""The network: a pretrained encoder cut to size, and for each label its own look at the words."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from mailhealth.errors import BadData
from mailhealth.train.example import Example

ALWAYS = ("HIRAGANA", "KATAKANA")  # pieces with a sign whose Unicode name begins so are kept
OFTEN = 4  # occurrences after which a piece is as good as any other
LEVELS = 127  # of an 8-bit number to each side of zero
TINY = 1e-9  # no scale of 8-bit numbers is smaller
ALL = 10_000  # layers: more than any encoder has


class Network(nn.Module):
    """The encoder, and a head of one sentiment (softmax) and many intents (each for itself).

    Every label weighs the tokens by a softmax of its own before it judges them (Mullenbach et al.
    2018): the point of a mail is one sentence among ten, and a plain mean would drown it. The
    weights begin at zero, which is the mean.

    The states of a pretrained encoder lie close together, far from zero: nine tenths of each is
    the same in every text. `centre` and `spread` bring what the heads see to mean 0 and size 1;
    without that they learn next to nothing (docs/decisions/031). `fold` takes them out again.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, encoder: Any, sentiments: int, intents: int) -> None:
        super().__init__()
        self.encoder: Any = encoder  # transformers does not type its parts
        width = encoder.config.hidden_size
        self.dropout = nn.Dropout(0.1)
        self.heads = nn.Linear(width, sentiments + intents)
        self.look = nn.Linear(width, sentiments + intents, bias=False)
        nn.init.zeros_(self.look.weight)
        nn.init.zeros_(self.heads.weight)
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(()))
        self.sentiments = sentiments

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Turn token ids and mask (both batch x tokens) into logits (batch x labels)."""
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        states = self.dropout((states - self.centre) / self.spread)
        hidden = (mask == 0).unsqueeze(-1)
        weights = self.look(states).float().masked_fill(hidden, -torch.inf).softmax(dim=1)
        logits: Tensor = (weights * self.heads(states).float()).sum(dim=1)
        return logits

    @torch.no_grad()
    def fold(self) -> None:
        """Move centre and spread into the heads: the same answers, and nothing to take along.

        It is exact, because the weights of a label's tokens sum to one.
        """
        for part in (self.heads, self.look):
            part.weight.div_(self.spread)
        self.heads.bias.sub_(self.heads.weight @ self.centre)
        self.centre.zero_()
        self.spread.fill_(1.0)


def build(
    base: str, model: Mapping[str, Any], examples: Sequence[Example]
) -> tuple[Network, Tokenizer]:
    """Make the untrained network of a recipe and the tokenizer cut to its examples."""
    recipe = model["recipe"]
    encoder, tokenizer = load(base, layers=recipe["layers"])
    tokenizer = trim(encoder, tokenizer, [e.text for e in examples], pieces=recipe["pieces"])
    torch.manual_seed(recipe["seed"])
    return Network(encoder, len(model["sentiments"]), len(model["intents"])), tokenizer


def load(base: str, *, layers: int) -> tuple[Any, Tokenizer]:
    """Load the first layers of a BERT encoder and its tokenizer, by Hugging Face name or path."""
    from transformers import AutoConfig, AutoTokenizer, BertModel

    try:
        kind = AutoConfig.from_pretrained(base).model_type
        tokenizer = AutoTokenizer.from_pretrained(base).backend_tokenizer
    except (OSError, ValueError) as error:
        raise BadData(
            f"No encoder could be loaded from {base}; give a Hugging Face name or a folder."
        ) from error
    if kind != "bert" or json.loads(tokenizer.to_str())["model"]["type"] != "Unigram":
        raise BadData(f"{base} is no BERT encoder with a Unigram tokenizer, such as e5-small.")
    encoder = BertModel.from_pretrained(
        base,
        dtype=torch.float32,
        add_pooling_layer=False,
        attn_implementation="eager",  # the fused one is half as fast backwards, on a CPU in bf16
        attention_probs_dropout_prob=0.0,  # drawing it costs a sixth of the time
    )
    encoder.encoder.layer = encoder.encoder.layer[:layers]
    return encoder, tokenizer


def trim(encoder: Any, tokenizer: Tokenizer, texts: Iterable[str], *, pieces: int) -> Tokenizer:
    """Cut the vocabulary to `pieces` in place and return the tokenizer that fits it.

    Kept are special tokens, single characters (so every kanji that has a piece) and all kana;
    then the pieces that occur in the texts, then the likeliest of the tokenizer's own model.
    """
    description = json.loads(tokenizer.to_str())
    vocabulary = description["model"]["vocab"]
    counts = Counter(
        number for coding in tokenizer.encode_batch(list(texts)) for number in coding.ids
    )
    special = {token["id"] for token in description["added_tokens"]}
    must = {n for n, (piece, _) in enumerate(vocabulary) if n in special or _always(piece)}
    rest = sorted(
        set(range(len(vocabulary))) - must,
        key=lambda n: (-min(counts[n], OFTEN), -vocabulary[n][1]),
    )
    kept = sorted([*must, *rest[: max(pieces - len(must), 0)]])
    new = {old: number for number, old in enumerate(kept)}
    description["model"]["vocab"] = [vocabulary[old] for old in kept]
    description["model"]["unk_id"] = new[description["model"]["unk_id"]]
    _renumber(description, new)
    old_table = encoder.embeddings.word_embeddings
    table = nn.Embedding(len(kept), old_table.weight.shape[1])
    table.weight.data = old_table.weight.data[kept]
    encoder.embeddings.word_embeddings = table
    encoder.config.vocab_size = len(kept)
    return Tokenizer.from_str(json.dumps(description, ensure_ascii=False))


def _always(piece: str) -> bool:
    bare = piece.removeprefix("▁")
    return len(bare) <= 1 or any(unicodedata.name(sign, "").startswith(ALWAYS) for sign in bare)


def _renumber(description: dict[str, Any], new: dict[int, int]) -> None:
    for token in description["added_tokens"]:
        token["id"] = new[token["id"]]
    for token in description["post_processor"]["special_tokens"].values():
        token["ids"] = [new[number] for number in token["ids"]]


def batch_of(tokenizer: Tokenizer, texts: list[str], longest: int) -> tuple[Tensor, Tensor]:
    """Code texts as ids and mask (both batch x tokens), padded, cut at `longest` tokens."""
    pad = tokenizer.token_to_id("<pad>")
    codings = [coding.ids[:longest] for coding in tokenizer.encode_batch(texts)]
    width = max(map(len, codings))
    ids = torch.tensor([coding + [pad] * (width - len(coding)) for coding in codings])
    mask = torch.tensor([[1] * len(coding) + [0] * (width - len(coding)) for coding in codings])
    return ids, mask


def save_tokenizer(tokenizer: Tokenizer, path: Path) -> None:
    """Write the tokenizer as compact JSON: indentation would be a third of the file."""
    path.write_text(
        json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")),
        "utf-8",
    )
