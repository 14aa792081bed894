"""What a recipe chooses: cases of several datasets, labels mapped, grids compared, folds by patient."""
