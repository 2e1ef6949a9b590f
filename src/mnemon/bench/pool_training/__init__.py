"""Training a small model to keep a latent pool: `run.train`, minutes on one core of a CPU.

The published stages, simplified: facts instead of documents; all texts of a pool are written in one
pass, each after latents of the step before (there: one chain of updates after another); what is
dropped is simulated on indices; the retriever is trained on the same pools. Needs `[weights]`.
"""
