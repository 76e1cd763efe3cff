"""One target under atheris, which is libFuzzer over instrumented bytecode of ours, h2, hpack, hyperframe and wsproto.

A process of its own, because imports must be instrumented: `guided.py TARGET RUNS SECONDS SEED`. What libFuzzer learns
stays in .fuzz/guided/TARGET, so that the next session goes on with it.
"""

import sys

import atheris

INSTRUMENTED = ["smartclient", "h2", "hpack", "hyperframe", "wsproto"]
INPUT_MAX = 1024  # bytes


def main(name: str, runs: str, seconds: str, seed: str) -> None:
    with atheris.instrument_imports(include=INSTRUMENTED):
        from fuzz_targets import TARGETS
        from fuzzing import CORPUS, HANG, STATE, corpus_of

        for path in corpus_of(name):
            TARGETS[name](path.read_bytes())  # imports what is imported when it is used
    learnt = STATE / "guided" / name
    learnt.mkdir(parents=True, exist_ok=True)
    options = (f"-runs={runs}", f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={INPUT_MAX}")
    told = ("-print_final_stats=1", f"-exact_artifact_path={CORPUS / name / 'finding-guided.bin'}")
    atheris.Setup([sys.argv[0], *options, *told, f"-timeout={HANG}", str(learnt), str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
