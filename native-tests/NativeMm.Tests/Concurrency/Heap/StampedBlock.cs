using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Heap;

/// <summary>A block that says by its content how long it is and where, so that whoever frees it can tell whether anybody else wrote to it.</summary>
internal static unsafe class StampedBlock
{
    private const int HeaderBytes = 16;

    public static nint Alloc(NativeHeap heap, int bytes)
    {
        bytes = Math.Max(bytes, HeaderBytes);
        byte* block = (byte*)heap.Alloc((nuint)bytes);
        *(long*)block = (long)block ^ bytes;
        *(int*)(block + 8) = bytes;
        for (int i = HeaderBytes; i < bytes; i += StepOf(i))
        {
            block[i] = Stamp((nint)block, i);
        }

        return (nint)block;
    }

    public static void CheckAndFree(NativeHeap heap, nint address)
    {
        byte* block = (byte*)address;
        int bytes = *(int*)(block + 8);
        Assert.True(*(long*)block == ((long)block ^ bytes), $"The header of 0x{address:x} was overwritten.");
        for (int i = HeaderBytes; i < bytes; i += StepOf(i))
        {
            Assert.True(block[i] == Stamp(address, i), $"Byte {i} of 0x{address:x} was overwritten.");
        }

        // Whoever gets it before it was taken from here would be found out.
        *(long*)block = -1;
        heap.Free(block);
    }

    private static byte Stamp(nint address, int offset) => (byte)((address >> 4) + (offset * 13));

    private static int StepOf(int offset) => offset < 128 ? 1 : 509;
}
