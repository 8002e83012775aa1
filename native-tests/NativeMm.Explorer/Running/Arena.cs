using System.Runtime.InteropServices;

namespace NativeMm.Explorer.Running;

/// <summary>Memory for a case's structures that lies at the same addresses in each execution, and is zero at the beginning of each.</summary>
internal sealed unsafe class Arena(nuint bytes)
{
    private readonly byte* _memory = (byte*)NativeMemory.AlignedAlloc(bytes, 4096);
    private nuint _used;

    /// <summary>Makes it new for an execution.</summary>
    public void Reset()
    {
        NativeMemory.Clear(_memory, _used);
        _used = 0;
    }

    /// <summary>Takes a piece that reads as zero.</summary>
    public void* Take(nuint length, nuint alignment = 128)
    {
        nuint at = (_used + alignment - 1) & ~(alignment - 1);
        _used = at + length;
        return _used <= bytes ? _memory + at : throw new OutOfMemoryException($"The arena has {bytes} bytes; {_used} are needed.");
    }
}
