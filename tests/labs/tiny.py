# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [raw]
# # ASSIGNMENT CONFIG
# name: tiny
# export_cell: false
# generate: true
# strip_solutions_from_all_cells: true
# tests:
#   ok_format: false

# %% [markdown]
# # A lab of two questions, for the tests of the grader

# %% [raw]
# # BEGIN QUESTION
# name: double
# points: 2
# all_or_nothing: true

# %% [markdown]
# Double it.

# %% [raw]
# # BEGIN SOLUTION


# %%
def double(x):
    return 2 * x  # SOLUTION


# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS


# %%
def test_of_a_number(double):
    assert double(3) == 6, "three is to become six"


# %%
# HIDDEN
def test_of_text(double):
    assert double("a") == "aa", "text is doubled, too"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [raw]
# # BEGIN QUESTION
# name: half
# points: 1

# %% [markdown]
# Halve it.


# %%
def half(x):
    # BEGIN SOLUTION
    return x / 2
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_of_an_odd_number(half):
    assert half(3) == 1.5, "half of three is no whole number"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION
