"""What a config says of texts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from pipeline.base.options import InputPath, StrictOptions
from pipeline.inputs.text.tokenizer import check_file

#: Of any text model that pages run; more would be a mistake, or an attack.
MAX_LENGTH = 8192

Length = Annotated[int, Field(ge=1, le=MAX_LENGTH)]


class TextOptions(StrictOptions):
    """Texts as tokens' ids: those of a tokenizer.json, which the release brings to pages."""

    shorthand: ClassVar[str | None] = "tokenizer"

    tokenizer: InputPath
    """The tokenizer.json, of WordPiece, Unigram (SentencePiece) or BPE, as Hugging Face's
    tokenizers write it."""

    length: Length | None = None
    """How many tokens the model reads: longer texts are cut, shorter ones padded. Without it, as
    many as the model's shape has."""

    ids: str = "input_ids"
    """The model's input for the tokens' ids."""

    mask: str = "attention_mask"
    """Its input that is 1 where there is a token and 0 where there is padding, if it has it."""

    types: str = "token_type_ids"
    """Its input that tells a second text from the first, if it has it."""

    pad: Annotated[int, Field(ge=0)] = 0
    """The id of padding."""

    query: Length = 64
    """Of a question about a text: so many tokens of it at most."""

    stride: Length = 128
    """A text that is too long beside its question is read through windows, each of which begins so
    many tokens behind the one before."""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        if self.tokenizer.is_file():
            check_file(self.tokenizer)
        return self
