"""What a job asks of a scheduler: from measured runs (docs/cluster.md has the table), twice as much at each further try."""

from molvae.preflight import gpus_requested


# A function, because Snakemake does not know yet where jobs will run while it reads its files.
def gpus(wildcards):
    """Return the GPUs of a job that uses the model: none where there is none, so that such jobs run side by side.

    Jobs that a cluster runs elsewhere ask for one, because its nodes may have what this machine lacks.
    """
    return gpus_requested(SETTINGS.device, local=workflow.local_exec)


def megabytes(base, per_thread):
    """Return the memory of a job: some for its data and model, and some for each process that it starts."""
    return lambda wildcards, threads, attempt: (base + per_thread * threads) * 2 ** (
        attempt - 1
    )


def minutes(first):
    """Return the time limit of a job."""
    return lambda wildcards, attempt: first * 2 ** (attempt - 1)


def launcher(processes, nodes, threads):
    """Return what goes before the command that trains, so that this many processes do it on each of the nodes.

    They share `threads` cores of a node.
    """
    if nodes > 1:
        # The batch job runs on the first node. Jobs that share a node have different ports.
        return (
            f"srun --nodes {nodes} --ntasks {nodes} --ntasks-per-node 1 --cpus-per-task {threads}"
            f" torchrun --nnodes {nodes} --nproc-per-node {processes} --rdzv-backend c10d"
            ' --rdzv-endpoint "$(hostname)":$((20000 + SLURM_JOB_ID % 10000)) --rdzv-id "$SLURM_JOB_ID" --no-python'
        )
    if processes > 1:
        return f"torchrun --standalone --nproc-per-node {processes} --no-python"
    return ""
