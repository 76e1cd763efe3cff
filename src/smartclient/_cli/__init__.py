"""The command line: parsing and rendering only; every decision is the library's."""
