"""MolVAE, a trained model: strings and arrays in, strings and arrays out."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from molvae.chem.selfies_codec import read_tokens
from molvae.config import StandardiseConfig
from molvae.errors import ConfigError, DataError
from molvae.files import file_sha256, write_json
from molvae.folders import replacing_files
from molvae.model.discriminator import Discriminator, accepted
from molvae.model.interpolation import N_CANDIDATES, LatentRegion
from molvae.model.reading import ModelInput, Reader
from molvae.model.records import Generation, TrainingRecord
from molvae.model.tensors import stored_tensors
from molvae.nn.generation import generate_accepted, generate_sequences
from molvae.nn.inference import posterior, unconditional_nll
from molvae.nn.property_head import PropertyScale
from molvae.nn.tokens import TokenStore
from molvae.nn.vae import VAE
from molvae.parallel import chunks_of, map_tasks, processes_for
from molvae.priors import Prior
from molvae.provenance import made_by
from molvae.sampling import SamplingParams
from molvae.seeding import torch_generator
from molvae.vocabulary import Vocabulary

FORMAT = 3

MODEL_FILES = ("model.safetensors", "vocabulary.json", "config.json")
"""The files of a model's folder."""

HASHED_FILES = ("model.safetensors", "vocabulary.json")
"""Those whose SHA-256 is in `config.json`."""


class MolVAE:
    """A trained model.

    Codes are float32 arrays (n, latent_dim); molecules are SMILES. Everything random takes a seed, and the same seed
    gives the same molecules.

    Attributes:
        vae: The networks, in evaluation mode.
        vocabulary: Its SELFIES tokens.
        priors: The fitted priors by name.
        generation: The default prior, and the maximum length of generated molecules.
        standardisation: How its training molecules were standardised and written as SELFIES; its input is too.
        training: How it was trained.
        scales: The properties that it predicts; empty for a model without a property head.
        discriminator: What corrects the distribution of samples, if it was trained.
    """

    def __init__(
        self,
        vae: VAE,
        vocabulary: Vocabulary,
        priors: dict[str, Prior],
        generation: Generation,
        standardisation: StandardiseConfig,
        training: TrainingRecord,
        scales: tuple[PropertyScale, ...] = (),
        discriminator: Discriminator | None = None,
    ) -> None:
        """Store the parts; `molvae.load` reads them from a folder."""
        self.vae = vae.eval()
        self.vocabulary = vocabulary
        self.priors = priors
        self.generation = generation
        self.standardisation = standardisation
        self.training = training
        self.scales = scales
        self.discriminator = discriminator

    @property
    def device(self) -> torch.device:
        """Device of the networks."""
        return next(self.vae.parameters()).device

    @property
    def latent_dim(self) -> int:
        """Size of a code."""
        return self.vae.config.latent_dim

    @property
    def has_unconditional_decoder(self) -> bool:
        """Whether the decoder was trained with code dropout, and so is a language model of molecules at z = 0."""
        return self.training.code_dropout > 0.0

    def copy(self) -> "MolVAE":
        """Return a copy with weights of its own, to be trained further."""
        copied = copy.deepcopy(self)
        for module in copied.vae.modules():
            if isinstance(module, nn.RNNBase):
                # cuDNN wants each layer's weights in one piece of memory, which copying splits up.
                module.flatten_parameters()
        return copied

    def encode(self, smiles: Sequence[str]) -> NDArray[np.float32]:
        """Return the posterior means of molecules.

        Args:
            smiles: N molecules, in any valid SMILES.

        Returns:
            float32 (N, latent_dim). A row is NaN where the SMILES is invalid, or a part of it has no token in the
            vocabulary.
        """
        return self.encode_inputs(self.read(smiles))

    def read(self, smiles: Sequence[str], n_jobs: int = 1) -> list[ModelInput]:
        """Return N molecules as the model reads them, or why it cannot; see `Reader.read`."""
        return self._reader.read(smiles, n_jobs)

    def encode_inputs(self, inputs: Sequence[ModelInput]) -> NDArray[np.float32]:
        """Return the posterior means of N molecules that were read, as `encode` does."""
        store, rows = self._token_ids(inputs)
        codes = np.full((len(inputs), self.latent_dim), np.nan, dtype=np.float32)
        if rows:
            codes[rows] = posterior(self.vae, store)[0].numpy()
        return codes

    def decode(self, z: NDArray[np.floating[Any]]) -> list[str | None]:
        """Decode codes greedily: the most probable token at each step.

        Args:
            z: Codes, (N, latent_dim).

        Returns:
            N canonical SMILES, with None where a code is not finite or decodes to no molecule.

        Raises:
            DataError: If the codes have another shape.
        """
        codes = self._checked(z, "decode")
        finite = torch.isfinite(codes).all(1)
        decoded = iter(self.generate(codes[finite]))
        return [next(decoded) if is_finite else None for is_finite in finite.tolist()]

    def sample(
        self, n: int, seed: int, prior: str | None = None, params: SamplingParams | None = None, n_jobs: int = 1
    ) -> list[str | None]:
        """Sample molecules.

        Args:
            n: Number of molecules.
            seed: Seed of all random numbers.
            prior: Name of the prior; by default the one with the lowest validation FCD.
            params: How to sample; by default `sampling_params(prior)`, from which `dataclasses.replace` makes others.
            n_jobs: Processes that convert many sequences to molecules.

        Returns:
            n canonical SMILES in the order sampled, with duplicates; None where a sequence is not a molecule.

        Raises:
            ConfigError: If the model has no such prior, or no discriminator though `params.correction` asks for one, or
                if hardly any sequence is within `params.max_nll` or is accepted.
        """
        return list(self.iter_samples(n, seed, prior, params, n_jobs))

    def iter_samples(
        self, n: int, seed: int, prior: str | None = None, params: SamplingParams | None = None, n_jobs: int = 1
    ) -> Iterator[str | None]:
        """Yield the molecules of `sample` as they are generated, for more than fit into memory."""
        name = self._known_prior(prior)
        if params is None:
            params = self.sampling_params(name)
        source, generator = torch_generator(seed, "sample codes"), torch_generator(seed, "sample")

        def draw_codes(n_codes: int) -> Tensor:
            return self.priors[name].sample(n_codes, source, params.prior_temperature)

        def generated(n_wanted: int) -> Iterator[list[int]]:
            return generate_accepted(self.vae.decoder, draw_codes, n_wanted, params, generator)

        if not params.correction:
            return self._iter_smiles(generated(n), n, n_jobs)
        if self.discriminator is None:
            raise ConfigError("sample.correction: expected a model with a discriminator, found none; leave it out")
        read_and_rate = partial(self.discriminator.read_and_rate, read=self._read_sequences)

        def rated(n_wanted: int) -> Iterator[tuple[str | None, float]]:
            chunks = chunks_of(generated(n_wanted))
            return (
                one for _, chunk in map_tasks(read_and_rate, chunks, processes_for(n_wanted, n_jobs)) for one in chunk
            )

        return accepted(rated, n, params.correction, torch_generator(seed, "sample correction"))

    def sampling_params(self, prior: str | None = None) -> SamplingParams:
        """Return the parameters that gave a prior, or the default one, its lowest validation FCD after training.

        Raises:
            ConfigError: If the model has no such prior.
        """
        return self.training.best_trial(self._known_prior(prior)).params

    def _known_prior(self, prior: str | None) -> str:
        name = prior or self.generation.prior
        if name not in self.priors:
            raise ConfigError(f"sample.prior: expected one of {', '.join(self.priors)}, found {name!r}")
        return name

    @torch.inference_mode()
    def predict(self, molecules: Sequence[str] | NDArray[np.floating[Any]]) -> pd.DataFrame:
        """Predict properties from codes, by the head that was trained with the model (`train.property_head`).

        Args:
            molecules: N SMILES, which are encoded first, or N codes, (N, latent_dim).

        Returns:
            N rows with a float64 column for each property, in its unit (see `scales`); NaN where there is no code.

        Raises:
            ConfigError: If the model has no property head.
            DataError: If the codes have another shape.
        """
        if self.vae.property_head is None:
            raise ConfigError("predict: expected a model trained with train.property_head, found one without")
        # An array may also hold SMILES.
        if not isinstance(molecules, np.ndarray) or molecules.dtype.kind not in "fiu":
            molecules = self.encode(list(molecules))
        codes = self._checked(molecules, "predict")
        standardised = self.vae.property_head(codes.to(self.device)).double().cpu().numpy()
        columns = enumerate(self.scales)
        return pd.DataFrame({scale.name: scale.mean + scale.std * standardised[:, i] for i, scale in columns})

    def interpolate(self, start: str, end: str, steps: int = 8, seed: int = 1) -> list[str | None]:
        """Return molecules on the line between two molecules in the latent space.

        Args:
            start: SMILES of the first molecule.
            end: SMILES of the last molecule.
            steps: Molecules on the line, including both ends, which are the given molecules in standard form; at least
                2.
            seed: Seed of the noise around the line (see `decode_region`).

        Returns:
            `steps` canonical SMILES, with None where nothing valid was decoded.

        Raises:
            ConfigError: If `steps` is below 2.
            DataError: If the model cannot encode either molecule.
        """
        if steps < 2:
            raise ConfigError(f"interpolate: expected at least 2 steps, found {steps}")
        ends = self._reader.read_all([start, end])
        first, last = torch.from_numpy(self.encode_inputs(ends))
        region = LatentRegion.between(first, last, torch.linspace(0.0, 1.0, steps))
        line = self.decode_region(region, torch_generator(seed, "interpolate"))
        # Decoded, the code of a molecule is not always the molecule itself.
        return [ends[0].smiles, *line[1:-1], ends[1].smiles]

    def neighbors(self, smiles: str, n: int, radius: float, seed: int) -> list[str]:
        """Return analogues of a molecule, decoded from around its code.

        Args:
            smiles: The molecule.
            n: Number of distinct analogues.
            radius: Standard deviation of the noise in each dimension of the code.
            seed: Seed of the noise.

        Returns:
            At most n distinct canonical SMILES in the order decoded, without the molecule itself; fewer if twenty
            codes for each do not decode to as many.

        Raises:
            DataError: If the model cannot encode the molecule.
        """
        [molecule] = self._reader.read_all([smiles])
        code = torch.from_numpy(self.encode_inputs([molecule]))
        generator = torch_generator(seed, "neighbors")
        neighbors: dict[str, None] = {}
        for _ in range(20):
            for neighbor in self.decode_region(LatentRegion.around(code.expand(n, -1), radius), generator):
                if neighbor is not None and neighbor != molecule.smiles:
                    neighbors.setdefault(neighbor)
            if len(neighbors) >= n:
                break
        return list(neighbors)[:n]

    def decode_region(self, region: LatentRegion, generator: torch.Generator, n_jobs: int = 1) -> list[str | None]:
        """Decode a molecule from each distribution of a region of the latent space.

        Of twelve candidates, it is the molecule of the lowest unconditional negative log-likelihood per token. The
        score is that of the canonical SELFIES: a sequence may be probable, but encode an odd molecule. Without an
        unconditional decoder there is one candidate.

        Args:
            region: N distributions of codes.
            generator: Random number generator on the CPU.
            n_jobs: Processes that convert and read many candidates.

        Returns:
            N canonical SMILES, with None where no candidate is a molecule.
        """
        if not self.has_unconditional_decoder:
            return self.generate(region.sample(generator), n_jobs=n_jobs)
        codes = torch.cat([region.sample(generator) for _ in range(N_CANDIDATES)])
        candidates = self.generate(codes, code_weight=region.code_weight.repeat(N_CANDIDATES), n_jobs=n_jobs)
        distinct = list(dict.fromkeys(candidates))
        nll = self.score_inputs(self._reader.read_canonical(distinct, n_jobs))
        scores = dict(zip(distinct, np.nan_to_num(nll, nan=np.inf), strict=True))
        n = len(region.centres)
        return [min(candidates[row::n], key=lambda candidate: scores[candidate]) for row in range(n)]

    def anomaly_score(self, smiles: Sequence[str]) -> NDArray[np.float64]:
        """Score how far molecules lie from the training set, by the unconditional decoder.

        Args:
            smiles: N molecules.

        Returns:
            Negative log-likelihood in nats per SELFIES token, float64 (N,), higher for less usual molecules; infinite
            where a part of the molecule has no token in the vocabulary, NaN where the SMILES is invalid.

        Raises:
            ConfigError: If the model was trained without code dropout, so that it has no unconditional decoder.
        """
        return self.score_inputs(self.read(smiles))

    def score_inputs(self, inputs: Sequence[ModelInput]) -> NDArray[np.float64]:
        """Return the scores of N molecules that were read, as `anomaly_score` does.

        Raises:
            ConfigError: If the model has no unconditional decoder.
        """
        if not self.has_unconditional_decoder:
            raise ConfigError("anomaly: expected a model trained with train.code_dropout above 0, found one without")
        store, rows = self._token_ids(inputs)
        scores = np.array([np.inf if molecule.is_molecule else np.nan for molecule in inputs], dtype=np.float64)
        if rows:
            scores[rows] = unconditional_nll(self.vae, store).numpy() / store.lengths
        return scores

    @property
    def _reader(self) -> Reader:
        return Reader(self.standardisation, self.vocabulary)

    def tokenise(self, smiles: Sequence[str]) -> tuple[TokenStore, list[int]]:
        """Return the token ids of the molecules that the model can encode, and their positions in `smiles`."""
        return self._token_ids(self.read(smiles))

    def _token_ids(self, inputs: Sequence[ModelInput]) -> tuple[TokenStore, list[int]]:
        known = {row: molecule.selfies for row, molecule in enumerate(inputs) if molecule.selfies is not None}
        return TokenStore.from_strings(list(known.values()), self.vocabulary), list(known)

    def _checked(self, z: NDArray[np.floating[Any]], verb: str) -> Tensor:
        codes = torch.from_numpy(np.array(z, dtype=np.float32))
        if codes.ndim != 2 or codes.shape[1] != self.latent_dim:
            raise DataError(f"{verb}: expected codes of shape (n, {self.latent_dim}), found {tuple(codes.shape)}")
        return codes

    def generate(
        self,
        codes: Tensor,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
        code_weight: Tensor | None = None,
        n_jobs: int = 1,
    ) -> list[str | None]:
        """Decode codes, greedily or by sampling tokens.

        Args:
            codes: float32 (N, D), on the CPU.
            temperature: 0 takes the most probable token at each step; above, tokens are sampled.
            generator: Random number generator on the CPU; needed for a temperature above 0.
            code_weight: Weight of the conditional log-probabilities against the unconditional ones, from 0 to 1,
                float32 (N,); all 1 by default.
            n_jobs: Processes that convert many sequences to molecules.

        Returns:
            N canonical SMILES, with None where a sequence is not a molecule.
        """
        params = SamplingParams(temperature=temperature, max_length=self.generation.max_length)
        generated = generate_sequences(self.vae.decoder, codes, params, generator, code_weight)
        return self.to_smiles((token_ids for token_ids, _ in generated), len(codes), n_jobs)

    def to_smiles(self, sequences: Iterable[list[int]], n: int, n_jobs: int = 1) -> list[str | None]:
        """Convert sequences of token ids to canonical SMILES, with None for one that is not a molecule.

        Args:
            sequences: The sequences; the first are converted while others are generated.
            n: Number of sequences.
            n_jobs: Processes for many of them.
        """
        return list(self._iter_smiles(sequences, n, n_jobs))

    @property
    def _read_sequences(self) -> Callable[[list[list[int]]], list[str | None]]:
        return partial(read_tokens, vocabulary=self.vocabulary, constraints=self.standardisation.selfies_constraints)

    def _iter_smiles(self, sequences: Iterable[list[int]], n: int, n_jobs: int) -> Iterator[str | None]:
        # Converting a sequence takes a fraction of the time of other work on a molecule.
        processes = processes_for(n // 4, n_jobs)
        return (
            smiles for _, chunk in map_tasks(self._read_sequences, chunks_of(sequences), processes) for smiles in chunk
        )

    def save(self, folder: Path, *, half: bool = False) -> None:
        """Save the model as a folder that `molvae.load` reads, whole or not at all; other files in it stay.

        Args:
            folder: The folder to write.
            half: Whether to store float16, half the size of float32; it is loaded as float32.
        """
        tensors = stored_tensors(self.vae, self.priors, self.discriminator, half=half)
        config = {
            "format": FORMAT,
            "model": self.vae.config.model_dump(),
            "priors": list(self.priors),
            "generation": asdict(self.generation),
            "standardisation": self.standardisation.model_dump(),
            "training": self.training.to_json(),
            "properties": [asdict(scale) for scale in self.scales],
            **made_by(self.device),
        }
        with replacing_files(folder, MODEL_FILES) as temporary:
            # save_file would create a file that only its owner may read.
            (temporary / "model.safetensors").write_bytes(save(tensors, metadata={"format": "pt"}))
            write_json(temporary / "vocabulary.json", {"tokens": list(self.vocabulary.tokens)})
            checksums = {name: file_sha256(temporary / name) for name in HASHED_FILES}
            write_json(temporary / "config.json", config | {"sha256": checksums})
