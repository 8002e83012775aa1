using System.Runtime.InteropServices;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;
using NativeMm.Runtime;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Contents in blocks of a general allocator. What it holds shows only in what has become resident.</summary>
internal sealed unsafe class HeapSubject<TAllocator, THandle> : IDensitySubject
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private readonly THandle[] _blocks;

    public HeapSubject(int objects)
    {
        _blocks = new THandle[objects];
        Array.Fill(_blocks, default);
    }

    /// <inheritdoc/>
    public long? HeldBytes => null;

    /// <summary>Stores a content. No content is longer than a page: its first and its last byte lie in all of its pages.</summary>
    public void Put(int number, ReadOnlySpan<byte> content)
    {
        THandle block = TAllocator.Alloc((nuint)content.Length);
        block.Touch(0);
        block.Touch((nuint)content.Length - 1);
        _blocks[number] = block;
    }

    /// <inheritdoc/>
    public void Remove(int number) => TAllocator.Free(_blocks[number]);

    /// <inheritdoc/>
    public void GiveBack()
    {
        if (typeof(TAllocator) == typeof(NativeMmAllocator))
        {
            MemoryRuntime.Shared.Trim();
        }
        else if (NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "malloc_trim", out nint trim))
        {
            _ = ((delegate* unmanaged<nuint, int>)trim)(0);
        }
    }

    /// <inheritdoc/>
    public void Describe(Measurement measurement, double storedBytes)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
