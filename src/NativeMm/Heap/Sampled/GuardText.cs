using System.Text.Unicode;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Heap.Sampled;

/// <summary>
/// The text that the fault handler writes for a slot: it must lie ready, because nothing can be put into words while a thread faults. It begins
/// with the address that was touched, whose digits the handler fills in.
/// </summary>
internal static unsafe class GuardText
{
    /// <summary>log2 of the bytes of one record; what does not fit is cut off.</summary>
    public const int RecordShift = 13;

    /// <summary>Bytes of one stack that are kept: two fit a record.</summary>
    public const int StackCharactersMax = 3600;

    /// <summary>Offset of the digits in a record.</summary>
    public static readonly nuint DigitsOffset = (nuint)(GuardMap.TextOffset + Before.Length);

    private static ReadOnlySpan<byte> Before => "\nNativeMm: the program touched 0x"u8;

    private static ReadOnlySpan<byte> Digits => "0000000000000000"u8;

    /// <summary>Writes a record. A fault at the same moment may show the old text or a mixture.</summary>
    /// <param name="record">Its address.</param>
    /// <param name="text">What follows the address.</param>
    public static void Write(nuint record, string text)
    {
        var bytes = new Span<byte>((byte*)record + GuardMap.TextOffset, (1 << RecordShift) - GuardMap.TextOffset - 1);
        Before.CopyTo(bytes);
        Digits.CopyTo(bytes[Before.Length..]);
        int begin = Before.Length + Digits.Length;
        _ = Utf8.FromUtf16(text, bytes[begin..], out _, out int written);
        bytes[begin + written] = (byte)'\n';
        Atomic.StoreRelease(ref *(uint*)record, (uint)(begin + written + 1));
    }

    /// <summary>A stack, cut to what is kept.</summary>
    public static string Cut(string stack) => stack.Length <= StackCharactersMax ? stack : stack[..StackCharactersMax];
}
