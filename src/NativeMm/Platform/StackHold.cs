using System.Runtime.InteropServices;

namespace NativeMm.Platform;

/// <summary>
/// What <see cref="StackPages{T}"/> notes about one thread's thing, beside it. All zero at first. Owner: the thread, or whoever knows that the thread has
/// ended.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct StackHold
{
    /// <summary>Size.</summary>
    public const int Bytes = EntriesOffset + (ThreadEndWords.WordsMax * sizeof(ulong));

    private const int EntriesOffset = 32;

    /// <summary>How often the thread entered a page of its stack.</summary>
    [FieldOffset(0)]
    public uint Pages;

    /// <summary>How often it ran on a page that was not entered, once it had used up its words.</summary>
    [FieldOffset(4)]
    public uint Misses;

    /// <summary>Lowest address of the thread's own stack; 0 when that was not asked yet.</summary>
    [FieldOffset(8)]
    public nuint Low;

    /// <summary>Address behind the thread's own stack.</summary>
    [FieldOffset(16)]
    public nuint High;

    /// <summary>Address of an entry of the table that the thread made, or 0.</summary>
    /// <param name="hold">The record.</param>
    /// <param name="index">0 to <see cref="ThreadEndWords.WordsMax"/> − 1.</param>
    public static ref nuint Entry(StackHold* hold, int index) => ref ((nuint*)((byte*)hold + EntriesOffset))[index];
}
