"""Attribution: Shapley values of the tokens of a text, for several models at once.

One file a method; `pool` answers the coalitions that methods ask for, over texts and models;
`study` applies them to the runs of a study and keeps what was found.
"""
