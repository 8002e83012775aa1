using System.Diagnostics;

namespace NativeMm.Heap.Checked;

/// <summary>
/// What is known of one block. It lies in managed memory, away from the block, so that no overrun can damage it.
/// <code>
/// RawAddress           Address - red zone   Address              Address + Bytes
///      | alignment padding |     red zone     |    user bytes         |     red zone     |
/// </code>
/// </summary>
internal sealed class CheckedBlock(nuint address, nuint bytes, nuint rawAddress, nuint rawBytes, nuint alignment, StackTrace? allocatedAt)
{
    /// <summary>First byte of the caller's part.</summary>
    public nuint Address { get; } = address;

    /// <summary>Bytes the caller asked for.</summary>
    public nuint Bytes { get; } = bytes;

    /// <summary>First byte of the whole block in the raw heap.</summary>
    public nuint RawAddress { get; } = rawAddress;

    /// <summary>Bytes of the whole block.</summary>
    public nuint RawBytes { get; } = rawBytes;

    /// <summary>Alignment of the caller's part.</summary>
    public nuint Alignment { get; } = alignment;

    /// <summary>Where it was allocated, if that was sampled.</summary>
    public StackTrace? AllocatedAt { get; } = allocatedAt;

    /// <summary>Where it was freed, if the allocation was sampled. Written by the one thread that claimed the block.</summary>
    public StackTrace? FreedAt { get; set; }

    /// <summary>Read and written under the lock of the ledger's shard.</summary>
    public BlockState State { get; set; }

    /// <summary>A late write to it was reported already. Read and written under the quarantine's lock, or after leaving it.</summary>
    public bool Reported { get; set; }

    /// <summary>
    /// The next block of the list that this one is in: of the quarantine, then of the former blocks of its shard, at the end of those that Dispose found.
    /// It is in one at a time, so that to come to one, which a free does, needs no managed memory. Owner: the holder of that list's lock.
    /// </summary>
    public CheckedBlock? Next { get; set; }

    /// <summary>Whether an address lies anywhere in the whole block.</summary>
    public bool Contains(nuint candidate) => candidate - RawAddress < RawBytes;
}
