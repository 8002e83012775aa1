using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <summary>
/// A list of records or nodes, linked through their second word, so that whatever is freed needs no memory for it. Guarded by its owner. A mutable struct.
/// </summary>
internal unsafe struct LinkList
{
    /// <summary>Where the link lies in each member, in bytes.</summary>
    public const int LinkOffset = 8;

    private nuint _head;
    private nuint _tail;

    /// <summary>How many members there are.</summary>
    public long Count { get; private set; }

    /// <summary>Puts a member in front.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Push(nuint member)
    {
        Invariant.Assert(member != 0 && member != _head, $"0x{member:x} is put in front of 0x{_head:x}.");
        Link(member) = _head;
        _tail = _head == 0 ? member : _tail;
        _head = member;
        Count++;
    }

    /// <summary>Takes the member in front, or 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nuint Pop()
    {
        nuint member = _head;
        if (member != 0)
        {
            _head = Link(member);
            Count--;
            Invariant.Assert((_head == 0) == (Count == 0), $"{Count} members are behind 0x{_head:x}.");
        }

        return member;
    }

    /// <summary>Takes all members of another list over, in front.</summary>
    public void TakeAll(ref LinkList other)
    {
        Invariant.Assert(
            (other._head == 0) == (other.Count == 0) && (_head == 0) == (Count == 0),
            $"{other.Count} members are behind 0x{other._head:x}, and {Count} behind 0x{_head:x}.");
        Invariant.Assert(other._head == 0 || Link(other._tail) == 0, $"A list of {other.Count} members goes on behind its last.");
        if (other._head == 0)
        {
            return;
        }

        Link(other._tail) = _head;
        _tail = _head == 0 ? other._tail : _tail;
        _head = other._head;
        Count += other.Count;
        other = default;
    }

    private static ref nuint Link(nuint member) => ref *(nuint*)(member + LinkOffset);
}
