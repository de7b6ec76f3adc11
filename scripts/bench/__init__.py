"""What the product promises, measured: each figure beside its limit on this machine, found in the same run."""
