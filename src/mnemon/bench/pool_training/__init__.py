"""Training a small model to keep a latent pool: `run.train`, minutes on one core of a CPU.

The published stages, simplified: facts instead of documents; all texts of a pool are written in one
pass, each after latents of earlier ones (there: one chain of updates after another); what is
dropped is simulated on indices; the retriever is trained on the same pools. The last stage, with a
store, is in `recipe.LONG`, for a CUDA device. Needs `[weights]`.
"""
