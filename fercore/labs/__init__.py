"""Teaching labs: what they train with, how their two versions are made, and how a folder of submissions is graded.

practice  what the six labs of notebooks/labs use beside `datasets`: a small network and its training
make      a student version and an autograder from each master notebook, by otter-grader
collect   what students have handed in, packed or not, and who has handed in no notebook
grade     each submission in a process and a folder of its own, and one table of all
guard     what runs in that process before the submission does
"""
