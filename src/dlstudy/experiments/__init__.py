"""The experiments: a folder each, with its parameters (params.py) and what its stage runs (run.py).

run.py has PARAMS, the type of its section of params.yaml; load(), which reads its inputs; and
run(inputs, params, seeds), whose tables and facts the stage writes by name. No experiment imports another.
"""
