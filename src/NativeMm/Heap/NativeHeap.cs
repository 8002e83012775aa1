namespace NativeMm.Heap;

/// <summary>malloc for .NET. Stub of the public surface; the implementation follows.</summary>
public sealed unsafe class NativeHeap : IDisposable
{
    /// <summary>The process-wide heap.</summary>
    public static NativeHeap Shared { get; } = new();

    /// <summary>Allocates; throws <see cref="OutOfMemoryException"/> when it cannot.</summary>
    public void* Alloc(nuint byteCount) => throw new NotSupportedException();

    /// <summary>Allocates an array of elements with overflow check.</summary>
    public void* Alloc(nuint elementCount, nuint elementSize) => throw new NotSupportedException();

    /// <summary>Allocates memory that reads as zero.</summary>
    public void* AllocZeroed(nuint byteCount) => throw new NotSupportedException();

    /// <summary>Allocates an array of elements that reads as zero, with overflow check.</summary>
    public void* AllocZeroed(nuint elementCount, nuint elementSize) => throw new NotSupportedException();

    /// <summary>Allocates at a multiple of a power of two.</summary>
    public void* AlignedAlloc(nuint byteCount, nuint alignment) => throw new NotSupportedException();

    /// <summary>Allocates typed memory with overflow check.</summary>
    public T* Alloc<T>(nuint count)
        where T : unmanaged => throw new NotSupportedException();

    /// <summary>Allocates typed memory that reads as zero, with overflow check.</summary>
    public T* AllocZeroed<T>(nuint count)
        where T : unmanaged => throw new NotSupportedException();

    /// <summary>Allocates if it can.</summary>
    public bool TryAlloc(nuint byteCount, out void* block) => throw new NotSupportedException();

    /// <summary>Changes a block's size, keeping its content; null allocates.</summary>
    public void* Realloc(void* block, nuint byteCount) => throw new NotSupportedException();

    /// <summary>Frees a block; null is allowed.</summary>
    public void Free(void* block) => throw new NotSupportedException();

    /// <summary>Allocates as many blocks as the span holds; all or an exception.</summary>
    public void AllocBulk(nuint byteCount, Span<nint> blocks) => throw new NotSupportedException();

    /// <summary>Frees many blocks; zeros are skipped.</summary>
    public void FreeBulk(ReadOnlySpan<nint> blocks) => throw new NotSupportedException();

    /// <summary>Bytes that may be used in a block, at least what was asked for.</summary>
    public nuint UsableSize(void* block) => throw new NotSupportedException();

    /// <summary>Whether an address is the start of a live block of this heap.</summary>
    public bool Owns(void* block) => throw new NotSupportedException();

    /// <summary>Frees everything at once.</summary>
    public void Dispose() => throw new NotSupportedException();
}
