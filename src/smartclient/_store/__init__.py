"""Stored responses: the protocol, the record and the places they are kept in."""
