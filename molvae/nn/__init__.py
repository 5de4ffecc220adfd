"""The networks of the VAE: token ids and tensors in, tensors out. Nothing here knows what a sequence stands for.

Shape letters: B batch, T sequence length with the end token, V vocabulary, E embedding, H hidden, D latent.
"""
