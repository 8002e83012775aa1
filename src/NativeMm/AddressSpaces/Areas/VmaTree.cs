// Purpose      the areas of a space in order; whoever looks a page up takes no lock and writes nothing that another core reads.
// States       a record: taken → published → detached (still reachable) → unreachable → after an epoch free.   a node: made → reachable → unreachable → free.
// Transitions  all by the writer of the space. He makes nodes beside the tree (Edit), as often as his section needs, and lets readers see all of it at once
//              (Publish); what he replaced goes to the store, which keeps it for an epoch.
// Ownership    field          | who writes             | who reads                | how
//              _root          | the writer of the space| anybody inside the epoch | release, acquire
//              _working       | the writer of the space| the same                 | plain; equal to _root outside of his section
//              nodes, records | the writer, before they are reachable | anybody   | plain, behind the root
//              Vma.StateWord  | the writer             | every fault              | release, acquire
// Ordering     The writer's order, which everything that installs a page leans on:
//              1. [V1] each record that changes is marked detached (release);
//              2. [T1] the new tree is published (release);
//              3. entries change, each under the lock of its leaf;
//              4. records and nodes are retired.
//              A speculative fault finds its record by [T2], the acquire of the root, and looks at its state again [V2] under the lock of the leaf that it
//              installs in. Either it held that lock before step 3 did: then step 3 finds what it installed. Or it took the lock after step 3 gave it up: the
//              lock orders [V1] before [V2], it sees the mark, and installs nothing.
// Reuse        an area that is unmapped and mapped identically is another record, or the same one in another generation: its state differs either way.
//              Records and nodes are used again only when nobody inside the epoch can have found them.
// Progress     lookups are wait-free: at most one step for each level.
// Source       Linux's maple tree (ranges, single writer, copy and replace), Bonsai (ASPLOS'12). Departs from the former in copying the whole path.

using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>The areas of a space in order: a B-tree that is copied where it changes.</summary>
internal sealed unsafe partial class VmaTree(VmaStore store)
{
    private nuint _root;
    private VmaNode* _working;

    /// <summary>The epochs that readers without the lock are inside of. Whoever is inside never waits for the space's lock.</summary>
    public EpochDomain Epochs => store.Epochs;

    /// <summary>
    /// The area that a page lies in, or null. Lock-free. The caller is inside the epoch of <see cref="Epochs"/>, or holds the space's lock in either way;
    /// the record is his to read until he leaves.
    /// </summary>
    /// <param name="page">Number of the page.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vma* Find(ulong page)
    {
        var node = (VmaNode*)Atomic.LoadAcquire(ref _root); // [T2] pairs with [T1]
        while (node != null)
        {
            int place = node->LastFrom(page);
            if (place < 0 || page >= node->Ends[place])
            {
                return null;
            }

            if (node->Height == 0)
            {
                return (Vma*)node->Children[place];
            }

            node = (VmaNode*)node->Children[place];
        }

        return null;
    }

    /// <summary>
    /// The first area that ends behind a page, or null. The caller holds the space's lock in either way; the writer sees what he has not published yet.
    /// </summary>
    public Vma* FirstBehind(ulong page) => FirstBehind(_working, page);

    /// <summary>The first area below a node that ends behind a page, or null.</summary>
    public static Vma* FirstBehind(VmaNode* node, ulong page)
    {
        while (node != null)
        {
            int place = node->FirstBehind(page);
            if (place == node->Count)
            {
                return null;
            }

            if (node->Height == 0)
            {
                return (Vma*)node->Children[place];
            }

            node = (VmaNode*)node->Children[place];
        }

        return null;
    }

    /// <summary>The last area that begins before a page, or null. As <see cref="FirstBehind(ulong)"/>.</summary>
    public Vma* LastBefore(ulong page)
    {
        VmaNode* node = _working;
        while (node != null && page > 0)
        {
            int place = node->LastFrom(page - 1);
            if (place < 0)
            {
                return null;
            }

            if (node->Height == 0)
            {
                return (Vma*)node->Children[place];
            }

            node = (VmaNode*)node->Children[place];
        }

        return null;
    }

    /// <summary>Lets readers find nothing any more. The writer still has all of it.</summary>
    public void Hide() => Atomic.StoreRelease(ref _root, 0); // [T1] pairs with [T2]

    /// <summary>Lets readers see what was edited, and retires what they cannot find any more.</summary>
    public void Publish()
    {
        Invariant.Assert(_working == null || _working->Count > 0, "A tree with nothing in its top node is published.");
        Atomic.StoreRelease(ref _root, (nuint)_working); // [T1] pairs with [T2]
        store.Settle();
    }
}
