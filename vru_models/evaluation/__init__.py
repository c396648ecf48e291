"""How good a list is at its capacity.

Everything takes arrays of anyone's labels and scores, aligned by position. ``y_true`` may be missing (NaN): the
unlabelled keep their rank and leave the figures. Undefined is NaN, never 0. The list rule lives here too, so that the
backtest and the monthly run choose people by the same code.
"""
