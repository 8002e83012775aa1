using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace NativeMm.Explorer.Machine;

/// <summary>
/// What somebody knows of the memory: for each word the newest store that he must see, and for each thread how far its past is his own. A view is a row
/// of 16-bit numbers: first the clocks of the threads, then one entry a word. Views only grow; joining takes the larger of each two.
/// </summary>
internal static unsafe class Views
{
    /// <summary>Entries in front that are clocks of threads, not words.</summary>
    public const int Clocks = 4;

    /// <summary>Words that an execution may use.</summary>
    public const int WordsMax = Length - Clocks;

    private const int Length = 1024;
    private const int ArenaBytes = 32 << 20;

    private static readonly byte* s_arena = (byte*)NativeMemory.AlignedAlloc(ArenaBytes, 64);
    private static nint s_used;
    private static int s_length;

    /// <summary>Forgets all copies; the execution has no words yet.</summary>
    public static void Reset()
    {
        s_used = 0;
        s_length = 16;
    }

    /// <summary>Makes room for a word's entry.</summary>
    public static void Cover(int entry) => s_length = Math.Max(s_length, (entry + 16) & ~15);

    /// <summary>A view of its own that lasts, with all entries zero.</summary>
    public static short* New() => (short*)NativeMemory.AlignedAlloc(Length * sizeof(short), 64);

    /// <summary>Sets all entries to zero.</summary>
    public static void Clear(short* view) => new Span<short>(view, Length).Clear();

    /// <summary>A copy for a message, as long as there are words now; in front of it stands its length.</summary>
    public static short* Copy(short* view)
    {
        int bytes = s_length * sizeof(short);
        if (s_used + bytes + 32 > ArenaBytes)
        {
            throw new InvalidOperationException("An execution stores more than the views have room for: it does not end, or its bounds are too wide.");
        }

        byte* place = s_arena + s_used;
        s_used += bytes + 32;
        *(int*)place = s_length;
        Buffer.MemoryCopy(view, place + 32, bytes, bytes);
        return (short*)(place + 32);
    }

    /// <summary>Joins a message's view, which may be null, into another.</summary>
    public static void JoinCopy(short* into, short* copy)
    {
        if (copy != null)
        {
            JoinEntries(into, copy, *(int*)((byte*)copy - 32));
        }
    }

    /// <summary>Joins a view into another.</summary>
    public static void Join(short* into, short* view) => JoinEntries(into, view, s_length);

    /// <summary>The clocks of a view, as one number.</summary>
    public static ref ulong ClocksOf(short* view) => ref *(ulong*)view;

    /// <summary>Two strands know all of each other's past.</summary>
    public static void JoinClocks(short* left, short* right)
    {
        for (int i = 0; i < Clocks; i++)
        {
            left[i] = right[i] = Math.Max(left[i], right[i]);
        }
    }

    /// <summary>Makes a view equal to another one.</summary>
    public static void Assign(short* view, short* from) => Buffer.MemoryCopy(from, view, s_length * sizeof(short), s_length * sizeof(short));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void JoinEntries(short* into, short* from, int length)
    {
        for (int i = 0; i < length; i += Vector256<short>.Count)
        {
            Vector256.Max(Vector256.Load(into + i), Vector256.Load(from + i)).Store(into + i);
        }
    }
}
