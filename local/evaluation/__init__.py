"""Accuracy and speed of weights on recordings with reference texts.

In reading order:

    benchmark   `dropscribe models benchmark`: each variant of the weights in one run
    corpus      recordings and their texts: manifests, and the layouts of known corpora
    clips       stretches of recordings as files
    accuracy    word error rate with its confidence interval
"""
