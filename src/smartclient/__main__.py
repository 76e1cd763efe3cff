"""`python -m smartclient` is the command `smartclient`."""

from ._cli.main import run

if __name__ == "__main__":
    run()
