using System.Runtime.CompilerServices;

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
        }

        return member;
    }

    /// <summary>Takes all members of another list over, in front.</summary>
    public void TakeAll(ref LinkList other)
    {
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
