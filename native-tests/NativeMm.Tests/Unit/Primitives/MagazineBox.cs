using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Tests.Unit.Primitives;

/// <summary>A magazine with its memory and its guard, and the calls as their users combine them.</summary>
internal sealed unsafe class MagazineBox : IDisposable
{
    private readonly void* _rack = NativeMemory.AllocZeroed(Magazine.RackBytes);
    private readonly void* _slots;

    public MagazineBox(int slots, int capacity, nuint index = 5)
    {
        _slots = NativeMemory.AllocZeroed(Magazine.SlotBytes(slots));
        Magazine = Magazine.At(_rack, index);
        Magazine.Attach(_slots, capacity);
    }

    /// <summary>The magazine.</summary>
    public Magazine Magazine { get; }

    /// <summary>Its guard.</summary>
    public Lock Guard { get; } = new();

    /// <summary>The rack that it is a place of.</summary>
    public void* Rack => _rack;

    /// <summary>Pops as an owner does: off the hit path under the guard. False when there is nothing left.</summary>
    public bool Pop(out nuint item)
    {
        if (Magazine.TryPop(out item))
        {
            return true;
        }

        lock (Guard)
        {
            Magazine.PopRefused();
            Span<nuint> items = Magazine.Normalize();
            if (items.IsEmpty)
            {
                return false;
            }

            item = items[^1];
            Magazine.SetItems(items.Length - 1);
            return true;
        }
    }

    /// <summary>Steals everything as a trimmer does.</summary>
    public nuint[] Steal(bool fence = true)
    {
        lock (Guard)
        {
            MagazineTheft theft = Magazine.StealBegin();
            if (fence)
            {
                Atomic.ProcessWideFence();
            }

            return Magazine.StealEnd(theft).ToArray();
        }
    }

    /// <summary>The items at rest, oldest first.</summary>
    public List<nuint> Items()
    {
        var items = new List<nuint>();
        Magazine.CopyTo(items);
        return items;
    }

    public void Dispose()
    {
        NativeMemory.Free(_slots);
        NativeMemory.Free(_rack);
    }
}
