using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>The checked mode of an array pool: knows who has which array, and looks for writes after the return. Thread-safe.</summary>
/// <param name="poolName">The pool's name in messages.</param>
/// <param name="stackSampleInterval">The stacks of one rent in so many are recorded; 0 for none.</param>
internal sealed class CheckedArrays(string poolName, int stackSampleInterval)
{
    private const byte Paint = 0xDD;

    // An array that goes to the collector takes its entry along.
    private readonly ConditionalWeakTable<byte[], Entry> _entries = [];
    private SleepLock _lock;
    private long _extraReturns;
    private long _rents;

    /// <summary>Returns of what was not rented.</summary>
    public long ExtraReturns => Atomic.LoadAcquire(ref _extraReturns);

    /// <summary>Looks at an array that is about to be handed out.</summary>
    public void Rented(byte[] array)
    {
        bool isSampled = stackSampleInterval != 0 && (Atomic.Add(ref _rents, 1) - 1) % stackSampleInterval == 0;
        StackTrace? stack = isSampled ? AllocationStack.Capture() : null;
        StackTrace? returned = null;
        int written = -1;
        var entry = new Entry(stack);
        using (_lock.EnterScope())
        {
            if (_entries.TryGetValue(array, out Entry? last))
            {
                returned = last.Returned;
                written = FirstWritten(array);
                _entries.Remove(array);
            }

            _entries.Add(array, entry);
        }

        if (written >= 0)
        {
            MemoryFault.Throw(
                MemoryFaultKind.UseAfterFree,
                0,
                $"Write after return: byte {written} of an array of {array.Length} bytes of the pool '{poolName}' changed after it was returned. Somebody keeps it."
                + AllocationStack.Paragraph("It was returned here:", returned));
        }
    }

    /// <summary>Looks at an array that comes back, and paints it.</summary>
    public void Returned(byte[] array)
    {
        Entry? rent;
        using (_lock.EnterScope())
        {
            if (_entries.TryGetValue(array, out rent) && !rent.HasEnded)
            {
                rent.HasEnded = true;
                rent.Returned = rent.Rented is null ? null : AllocationStack.TryCapture();
                array.AsSpan().Fill(Paint);
                return;
            }
        }

        Atomic.Add(ref _extraReturns, 1);
        if (rent is null)
        {
            MemoryFault.Throw(
                MemoryFaultKind.ForeignPointer, 0, $"Foreign array: an array of {array.Length} bytes was not rented from the pool '{poolName}'.");
        }

        MemoryFault.Throw(
            MemoryFaultKind.DoubleFree,
            0,
            $"Double return: an array of {array.Length} bytes of the pool '{poolName}' was returned already. Two owners returned it, or one returned it twice."
            + AllocationStack.Paragraph("It was rented here:", rent.Rented)
            + AllocationStack.Paragraph("It was returned here:", rent.Returned));
    }

    /// <summary>The first byte that is neither paint nor, as in pages that were given back, zero; −1 if there is none.</summary>
    private static int FirstWritten(byte[] array) => array.AsSpan().IndexOfAnyExcept(Paint, (byte)0);

    private sealed class Entry(StackTrace? rented)
    {
        public StackTrace? Rented { get; } = rented;

        public bool HasEnded { get; set; }

        public StackTrace? Returned { get; set; }
    }
}
