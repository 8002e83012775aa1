using NativeMm.Diagnostics;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>
/// A pool of objects behind handles as the workloads see it. Implementations are structs around a sealed class, so that the JIT compiles
/// every workload once a pool, with direct calls.
/// </summary>
internal interface IPoolUnderTest
{
    /// <summary>Makes an object.</summary>
    ulong Alloc(int bytes);

    /// <summary>Frees an object.</summary>
    void Free(ulong handle);

    /// <summary>Writes an object from its start.</summary>
    void Write(ulong handle, ReadOnlySpan<byte> content);

    /// <summary>Opens an object for reading, looks at its first and last byte, and closes it.</summary>
    int Read(ulong handle, Span<byte> scratch);

    /// <summary>Moves objects together.</summary>
    /// <returns>Frames freed by this call.</returns>
    long Compact();

    /// <summary>Frames that the pool holds.</summary>
    long Frames { get; }

    /// <summary>Bytes that compaction has copied so far.</summary>
    long BytesMoved { get; }

    /// <summary>What the pool's locks recorded together; null when they do not record.</summary>
    LockStatisticsSnapshot? Locks { get; }

    /// <summary>Checks the whole pool; nobody may be working.</summary>
    void Validate();
}
