"""The networks of the VAE: tensors in, tensors out. Nothing here knows of molecules.

Shape letters: B batch, T sequence length with the end token, V vocabulary, E embedding, H hidden, D latent.
"""
