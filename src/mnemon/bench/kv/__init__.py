"""KV policies measured: tasks × regimes × lengths × policies × budgets, on one model.

    from mnemon.bench.kv.run import Plan, run_kv
    table = run_kv(Plan(policies="snapkv,recency", budgets=["0.5", "0.25"], lengths=[1024]))

docs/kv-bench.md says what each column means. Importing this package costs nothing; torch is
imported when something is measured.
"""
