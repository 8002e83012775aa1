using NativeMm.Frames;
using NativeMm.Heap;

namespace NativeMm.Runtime;

/// <summary>Everything wired together. Stub of the public surface; the implementation follows.</summary>
public sealed class MemoryRuntime : IDisposable
{
    /// <summary>The process-wide runtime.</summary>
    public static MemoryRuntime Shared => throw new NotSupportedException();

    /// <summary>The runtime's own heap.</summary>
    public NativeHeap Heap => throw new NotSupportedException();

    /// <summary>The frames under it.</summary>
    public IFrameAllocator Frames => throw new NotSupportedException();

    /// <summary>Makes one more heap over the same frames.</summary>
    public NativeHeap CreateHeap() => throw new NotSupportedException();

    /// <summary>Gives everything that is not needed back to the operating system, now; bytes given back.</summary>
    public ulong Trim() => throw new NotSupportedException();

    /// <summary>Checks every structure; call it at rest.</summary>
    public void Validate() => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotSupportedException();
}
