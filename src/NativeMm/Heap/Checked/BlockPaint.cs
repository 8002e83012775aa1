using System.Runtime.InteropServices;

namespace NativeMm.Heap.Checked;

/// <summary>The bytes that mark memory nobody may write, and the search for those that changed.</summary>
internal static unsafe class BlockPaint
{
    /// <summary>Fresh memory that was not asked to be zero.</summary>
    public const byte Junk = 0xAB;

    /// <summary>Memory of a freed block.</summary>
    public const byte Poison = 0xDF;

    /// <summary>Memory before and after a block.</summary>
    public const byte RedZone = 0xFD;

    /// <summary>Bytes of junk at the start of a block: filling all of a huge block would commit memory that the caller may never touch.</summary>
    public const uint JunkBytesMax = 1 << 20;

    private const int SpanBytes = 1 << 30;

    /// <summary>Fills a range with one byte value.</summary>
    public static void Fill(nuint address, nuint bytes, byte value) => NativeMemory.Fill((void*)address, bytes, value);

    /// <summary>The first byte of a range that differs from the value.</summary>
    /// <returns>Whether there is one.</returns>
    public static bool TryFindDamage(nuint address, nuint bytes, byte value, out nuint damaged)
    {
        for (nuint offset = 0; offset < bytes; offset += SpanBytes)
        {
            int length = (int)Math.Min(bytes - offset, SpanBytes);
            int index = new ReadOnlySpan<byte>((void*)(address + offset), length).IndexOfAnyExcept(value);
            if (index >= 0)
            {
                damaged = address + offset + (nuint)index;
                return true;
            }
        }

        damaged = 0;
        return false;
    }
}
