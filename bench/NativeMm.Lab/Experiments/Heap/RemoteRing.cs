// Purpose      hands blocks from one thread to another at so little cost that the allocator is what is measured.
// States       _head.Published ≤ _tail.Published ≤ _head.Published + Capacity; entries between them are full.
// Ownership    _tail | producer writes, consumer reads | release [R1], acquire [R2]
//              _head | consumer writes, producer reads | release [R3], acquire [R4]
//              entries | producer writes before [R1], consumer reads after [R2]; consumer is done before [R3], producer writes after [R4]
// Ordering     as above; both sides publish a batch at a time and keep a private copy of the other side's counter.
// Progress     blocking: a full or empty ring waits for the other side.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>A ring with one producer and one consumer.</summary>
internal sealed class RemoteRing<THandle>(AbortSignal abort)
    where THandle : struct
{
    private const int Capacity = 4096;
    private const int Batch = 64;

    private readonly THandle[] _entries = new THandle[Capacity];
    private RingCounter _tail;
    private RingCounter _head;

    /// <summary>Puts a block in, waiting for room.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Push(THandle block)
    {
        uint at = _tail.Private;
        if (at - _tail.OtherSeen >= Capacity)
        {
            WaitForRoom(at);
        }

        _entries[at % Capacity] = block;
        _tail.Private = ++at;
        if (at % Batch == 0)
        {
            Atomic.StoreRelease(ref _tail.Published, at); // [R1] pairs with [R2]
        }
    }

    /// <summary>Takes a block out, waiting for one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public THandle Pop()
    {
        uint at = _head.Private;
        if (at == _head.OtherSeen)
        {
            WaitForBlock(at);
        }

        THandle block = _entries[at % Capacity];
        _head.Private = ++at;
        if (at % Batch == 0)
        {
            Atomic.StoreRelease(ref _head.Published, at); // [R3] pairs with [R4]
        }

        return block;
    }

    /// <summary>Lets the consumer see everything that was put in so far.</summary>
    public void Flush() => Atomic.StoreRelease(ref _tail.Published, _tail.Private); // [R1] pairs with [R2]

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WaitForRoom(uint at)
    {
        var backoff = default(Backoff);
        while (at - (_tail.OtherSeen = Atomic.LoadAcquire(ref _head.Published)) >= Capacity) // [R4] pairs with [R3]
        {
            abort.ThrowIfRaised();
            backoff.Wait();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WaitForBlock(uint at)
    {
        var backoff = default(Backoff);
        while (at == (_head.OtherSeen = Atomic.LoadAcquire(ref _tail.Published))) // [R2] pairs with [R1]
        {
            abort.ThrowIfRaised();
            backoff.Wait();
        }
    }
}
