"""MolVAE, the face of a trained model: strings and arrays in, strings and arrays out."""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.chem.selfies_codec import read_tokens, selfies_constraints, smiles_to_selfies
from molvae.chem.standardise import Steps, standardise
from molvae.config import ModelConfig, StandardiseConfig
from molvae.errors import ConfigError, DataError
from molvae.files import write_json
from molvae.folders import replacing_files
from molvae.model.interpolation import decode_around, decode_line
from molvae.nn.generation import generate_accepted, generate_sequences
from molvae.nn.losses import sequence_nll
from molvae.nn.property_head import PropertyScale
from molvae.nn.tokens import TokenStore, by_length
from molvae.nn.vae import VAE
from molvae.parallel import chunks_of, map_tasks, processes_for
from molvae.priors import Prior
from molvae.provenance import software
from molvae.seeding import torch_generator
from molvae.vocabulary import PAD_ID, Vocabulary

FORMAT = 2
BATCH_SIZE = 1024

MODEL_FILES = ("model.safetensors", "vocabulary.json", "config.json")
"""The files of a model's folder."""


@dataclass(frozen=True)
class Generation:
    """How a model generates, as decided in training.

    Attributes:
        prior: Name of the prior with the lowest validation FCD.
        max_length: Most SELFIES tokens of a generated molecule, the end token included.
    """

    prior: str
    max_length: int


class MolVAE:
    """A trained model.

    Codes are float32 arrays (n, latent_dim); molecules are SMILES. Everything random takes a seed, and the same seed
    gives the same molecules.

    Attributes:
        vae: The networks, in evaluation mode.
        vocabulary: The SELFIES tokens it knows.
        priors: The fitted priors by name.
        generation: The chosen prior, and the length of what is generated.
        standardisation: How the molecules it was trained on were standardised and spelt; so are those it handles.
        training: What it was trained on and how, as plain values.
        scales: The properties that it predicts; empty for a model without a property head.
    """

    def __init__(
        self,
        vae: VAE,
        vocabulary: Vocabulary,
        priors: dict[str, Prior],
        generation: Generation,
        standardisation: StandardiseConfig,
        training: dict[str, Any],
        scales: tuple[PropertyScale, ...] = (),
    ) -> None:
        """Take the parts; `molvae.load` reads them from a folder."""
        self.vae = vae.eval()
        self.vocabulary = vocabulary
        self.priors = priors
        self.generation = generation
        self.standardisation = standardisation
        self.training = training
        self.scales = scales

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.vae.parameters()).device

    @property
    def latent_dim(self) -> int:
        """Size of a code."""
        return self.vae.config.latent_dim

    def copy(self) -> "MolVAE":
        """Return a model of its own with the same weights, to be trained further."""
        copied = copy.deepcopy(self)
        for module in copied.vae.modules():
            if isinstance(module, nn.RNNBase):
                # cuDNN wants each layer's weights in one piece of memory, which copying breaks up.
                module.flatten_parameters()
        return copied

    def encode(self, smiles: Sequence[str]) -> NDArray[np.float32]:
        """Return the posterior means of molecules.

        Args:
            smiles: N molecules, in any valid SMILES.

        Returns:
            float32 (N, latent_dim). A row is NaN where the SMILES is no molecule, or the model has no token for a
            part of it.
        """
        store, rows = self.tokenise(smiles)
        codes = np.full((len(smiles), self.latent_dim), np.nan, dtype=np.float32)
        if rows:
            codes[rows] = self.posterior(store)[0].numpy()
        return codes

    def decode(self, z: NDArray[np.floating[Any]]) -> list[str | None]:
        """Return the likeliest molecule of each code, token by token (greedily).

        Args:
            z: Codes, (N, latent_dim).

        Returns:
            N canonical SMILES, with None where a code (NaN, for one) stands for no molecule.

        Raises:
            DataError: If the codes have another size.
        """
        codes = self._checked(z, "decode")
        finite = torch.isfinite(codes).all(1)
        decoded = iter(self.generate(codes[finite]))
        return [next(decoded) if is_finite else None for is_finite in finite.tolist()]

    def sample(
        self,
        n: int,
        seed: int,
        prior: str | None = None,
        temperature: float = 1.0,
        prior_temperature: float = 1.0,
        min_probability: float | None = None,
        max_nll: float | None = None,
        n_jobs: int = 1,
    ) -> list[str | None]:
        """Return new molecules.

        Args:
            n: How many.
            seed: Seed of the draw.
            prior: Name of the prior; by default the one chosen in training.
            temperature: Token temperature: below 1 samples are more alike and more like those learned from. Above 1
                more of them exceed `max_nll`.
            prior_temperature: Scale of the noise that codes are drawn with; the `decoder` prior has none.
            min_probability: Tokens of a lower probability are not drawn (`Decoder.generate`); by default what suited
                the prior best in training.
            max_nll: Sequences of more nats (the sum of -log p of their tokens at temperature 1) are drawn again; by
                default those beyond what suited the prior best in training. Infinity keeps all.
            n_jobs: Processes that turn many sequences into molecules.

        Returns:
            n canonical SMILES in the order drawn, duplicates kept; None where no molecule came out.

        Raises:
            ConfigError: If the model has no such prior, or hardly any sequence is likely enough.
        """
        name = prior or self.generation.prior
        if name not in self.priors:
            raise ConfigError(f"sample.prior: expected one of {', '.join(self.priors)}, found {name!r}")
        suited = self.best_trial(name)
        least = suited["min_probability"] if min_probability is None else min_probability
        most = suited["max_nll"] if max_nll is None else max_nll
        source, chance = torch_generator(seed, "sample codes"), torch_generator(seed, "sample")
        written = generate_accepted(
            self.vae.decoder,
            lambda wanted: self.priors[name].sample(wanted, source, prior_temperature),
            n,
            self.generation.max_length,
            temperature,
            chance,
            least,
            most,
        )
        return self.read(written, n, n_jobs)

    def best_trial(self, prior: str) -> dict[str, Any]:
        """Return the trial of a prior that had its lowest validation FCD in training.

        Its `min_probability` and `max_nll` (None for no bound) are those that samples are drawn with.
        """
        trials = [trial for trial in self.training["priors"] if trial["prior"] == prior]
        return dict(min(trials, key=lambda trial: trial["validation_fcd"]))

    @torch.inference_mode()
    def predict(self, molecules: Sequence[str] | NDArray[np.floating[Any]]) -> pd.DataFrame:
        """Predict properties from codes, by the head that was trained with the model (`train.property_head`).

        Args:
            molecules: N SMILES, whose posterior means are taken, or N codes, (N, latent_dim).

        Returns:
            N rows with a float64 column for each property, in its unit (see `scales`); NaN for what has no code.

        Raises:
            ConfigError: If the model has no property head.
            DataError: If the codes have another size.
        """
        if self.vae.property_head is None:
            raise ConfigError("predict: expected a model trained with train.property_head, found one without")
        codes = self._checked(molecules if isinstance(molecules, np.ndarray) else self.encode(molecules), "predict")
        standardised = self.vae.property_head(codes.to(self.device)).double().cpu().numpy()
        columns = enumerate(self.scales)
        return pd.DataFrame({scale.name: scale.mean + scale.std * standardised[:, i] for i, scale in columns})

    def interpolate(self, start: str, end: str, steps: int = 8, seed: int = 1) -> list[str | None]:
        """Return the molecules on the way between the codes of two.

        Args:
            start: SMILES of the first molecule.
            end: SMILES of the last molecule.
            steps: Molecules on the line, both ends (as decoded) included; at least 2.
            seed: Seed of the draws around the line, from which the likeliest molecules are kept.
        """
        if steps < 2:
            raise ConfigError(f"interpolate: expected at least 2 steps, found {steps}")
        first, last = torch.from_numpy(self._codes_of([start, end]))
        return decode_line(self, first, last, torch.linspace(0.0, 1.0, steps), torch_generator(seed, "interpolate"))

    def neighbors(self, smiles: str, n: int, radius: float, seed: int) -> list[str]:
        """Return analogues of a molecule: what codes around its own decode to.

        Args:
            smiles: The molecule.
            n: How many distinct analogues are wanted.
            radius: Standard deviation of the noise in each dimension of the code.
            seed: Seed of the noise.

        Returns:
            At most n distinct canonical SMILES in the order found, without the molecule itself; fewer if twenty draws
            for each one wanted do not give as many.
        """
        centre = torch.from_numpy(self._codes_of([smiles]))
        itself = self.standardise(smiles)
        generator = torch_generator(seed, "neighbors")
        found: dict[str, None] = {}
        for _ in range(20):
            for neighbor in decode_around(self, centre.expand(n, -1), radius, generator):
                if neighbor is not None and neighbor != itself:
                    found.setdefault(neighbor)
            if len(found) >= n:
                break
        return list(found)[:n]

    def anomaly_score(self, smiles: Sequence[str]) -> NDArray[np.float64]:
        """Say how unlikely molecules are to the decoder without a code: higher is further from the training set.

        Args:
            smiles: N molecules.

        Returns:
            Nats per SELFIES token, float64 (N,); infinite where the model has no token for a part of the molecule,
            NaN where the SMILES is no molecule.

        Raises:
            ConfigError: If the model was trained without code dropout, so that it has no unconditional decoder.
        """
        if self.training["code_dropout"] == 0.0:
            raise ConfigError("anomaly: expected a model trained with train.code_dropout above 0, found one without")
        store, rows = self.tokenise(smiles)
        with quiet():
            scores = np.array([np.nan if parse(each) is None else np.inf for each in smiles])
        if rows:
            scores[rows] = self.unconditional_nll(store).numpy() / store.lengths
        return scores

    @torch.inference_mode()
    def posterior(self, store: TokenStore) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the posteriors of tokenised molecules, float32 (N, D) each, on the CPU."""
        both = self._in_batches(store, lambda *batch: torch.stack(self.vae.encode(*batch), dim=1))
        mu, log_var = both.unbind(1)
        return mu, log_var

    @torch.inference_mode()
    def teacher_forced(self, store: TokenStore, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Decode tokenised molecules given their codes and, at each step, the true tokens before.

        Args:
            store: N molecules.
            codes: Their codes, float32 (N, D), on the CPU.

        Returns:
            The cross-entropy of each molecule in nats, and the number of its tokens that are the likeliest, float32
            (N,) each.
        """

        def measure(token_ids: Tensor, _: Tensor, z: Tensor) -> Tensor:
            logits = self.vae.logits(token_ids, z)
            right = (logits.argmax(2) == token_ids) & (token_ids != PAD_ID)
            return torch.stack([sequence_nll(logits, token_ids), right.sum(1)], dim=1)

        nll, n_right = self._in_batches(store, measure, codes).unbind(1)
        return nll, n_right

    def unconditional_nll(self, store: TokenStore) -> Tensor:
        """Return the cross-entropy of tokenised molecules under the decoder without a code, float32 (N,)."""
        return self.teacher_forced(store, torch.zeros(len(store), self.latent_dim))[0]

    def _in_batches(self, store: TokenStore, compute: Callable[..., Tensor], *also: Tensor) -> Tensor:
        """Apply `compute` to batches of similar length and return its rows in the order of the store.

        `compute` is given token ids, lengths, and the batch's rows of each of `also`.
        """
        batches = by_length(store.lengths, BATCH_SIZE)
        computed = [
            compute(*store.batch(batch, self.device), *(each[batch].to(self.device) for each in also)).cpu()
            for batch in batches
        ]
        return torch.cat(computed)[np.argsort(np.concatenate(batches))]

    def standardise(self, smiles: str) -> str | None:
        """Return a molecule's canonical SMILES in the form that the model was trained on; None if it has none."""
        standard = standardise(smiles, Steps.of(self.standardisation))
        return None if standard is None else standard.smiles

    def tokenise(self, smiles: Sequence[str]) -> tuple[TokenStore, list[int]]:
        """Return the molecules that the model can read as token ids, and their places in `smiles`."""
        readable, rows = [], []
        with quiet(), selfies_constraints(self.standardisation.selfies_constraints):
            for row, each in enumerate(smiles):
                standard = self.standardise(each)
                selfies = smiles_to_selfies(standard) if standard else None
                if selfies and self.vocabulary.knows(selfies):
                    readable.append(selfies)
                    rows.append(row)
        return TokenStore.from_selfies(readable, self.vocabulary), rows

    def _checked(self, z: NDArray[np.floating[Any]], verb: str) -> Tensor:
        codes = torch.from_numpy(np.array(z, dtype=np.float32))
        if codes.ndim != 2 or codes.shape[1] != self.latent_dim:
            raise DataError(f"{verb}: expected codes of shape (n, {self.latent_dim}), found {tuple(codes.shape)}")
        return codes

    def _codes_of(self, smiles: list[str]) -> NDArray[np.float32]:
        codes = self.encode(smiles)
        for each, code in zip(smiles, codes, strict=True):
            if np.isnan(code).any():
                raise DataError(
                    f"expected a molecule of tokens that the model knows, found {each!r}; "
                    "check the SMILES, or train on molecules like it"
                )
        return codes

    def generate(
        self,
        codes: Tensor,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
        code_weight: Tensor | None = None,
    ) -> list[str | None]:
        """Write a molecule for each code, greedily or with chance.

        Args:
            codes: float32 (N, D), on the CPU.
            temperature: 0 takes the likeliest token at each step; above, tokens are drawn.
            generator: Source of the draws, on the CPU; needed for a temperature above 0.
            code_weight: Say that each code has against the decoder without a code, from 0 to 1, float32 (N,); all of
                it by default.

        Returns:
            N canonical SMILES, with None where no molecule came out.
        """
        longest = self.generation.max_length
        written = generate_sequences(self.vae.decoder, codes, longest, temperature, generator, code_weight)
        return self.read((tokens for tokens, _ in written), len(codes))

    def read(self, sequences: Iterable[list[int]], n: int, n_jobs: int = 1) -> list[str | None]:
        """Return the canonical SMILES of sequences of token ids, with None for one that is no molecule.

        Args:
            sequences: The sequences; those that are there can be read while others are written.
            n: How many they are.
            n_jobs: Processes for many of them.
        """
        read = partial(read_tokens, vocabulary=self.vocabulary, constraints=self.standardisation.selfies_constraints)
        # A sequence takes a small part of what other work on a molecule does.
        processes = processes_for(n // 4, n_jobs)
        return [smiles for _, chunk in map_tasks(read, chunks_of(sequences), processes) for smiles in chunk]

    def save(self, folder: Path, *, half: bool = False) -> None:
        """Write the model as a folder that can be copied away and loaded; other files in it stay.

        Args:
            folder: The folder to write.
            half: Whether to store float16, half the size of float32; it is loaded as float32 again.
        """
        tensors = {f"vae.{name}": tensor.cpu().contiguous() for name, tensor in self.vae.state_dict().items()}
        for name, prior in self.priors.items():
            tensors |= {f"priors.{name}.{key}": tensor.contiguous() for key, tensor in prior.state().items()}
        # The decoder's embedding is the encoder's; safetensors stores no tensor twice.
        del tensors["vae.decoder.embedding.weight"]
        if half:
            tensors = {name: each.half() if each.is_floating_point() else each for name, each in tensors.items()}
        config = {
            "format": FORMAT,
            "model": self.vae.config.model_dump(include=set(ModelConfig.model_fields)),
            "priors": list(self.priors),
            "generation": asdict(self.generation),
            "standardisation": self.standardisation.model_dump(),
            "training": self.training,
            "properties": [asdict(scale) for scale in self.scales],
            "software": software(),
        }
        with replacing_files(folder, MODEL_FILES) as temporary:
            # The library's own way to a file makes one that nobody else may read.
            (temporary / "model.safetensors").write_bytes(save(tensors, metadata={"format": "pt"}))
            write_json(temporary / "config.json", config)
            write_json(temporary / "vocabulary.json", {"tokens": list(self.vocabulary.tokens)})
