using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>What left the tree and waits for the readers that may still hold it.</content>
internal sealed unsafe partial class VmaStore
{
    private readonly RetiredBag[] _bags = new RetiredBag[BagCount];
    private LinkList _pendingRecords;
    private LinkList _pendingNodes;

    /// <summary>Records and nodes that wait.</summary>
    public (long Records, long Nodes) Retired
    {
        get
        {
            (long records, long nodes) = (_pendingRecords.Count, _pendingNodes.Count);
            foreach (RetiredBag bag in _bags)
            {
                records += bag.Records.Count;
                nodes += bag.Nodes.Count;
            }

            return (records, nodes);
        }
    }

    /// <summary>Notes a record that is detached and will not be in the tree that is published next.</summary>
    public void Retire(Vma* record)
    {
        Invariant.Assert(record->State.IsDetached, $"The record of {record->Range} retires and may still be installed by.");
        _pendingRecords.Push((nuint)record);
    }

    /// <summary>Notes a node that will not be in the tree that is published next.</summary>
    public void Retire(VmaNode* node)
    {
        Invariant.Assert(node->Count is > 0 and <= VmaNode.FanOut, $"A node with {node->Count} entries retires.");
        _pendingNodes.Push((nuint)node);
    }

    /// <summary>What was noted is in the published tree no more: it waits from here on.</summary>
    public void Settle()
    {
        ulong epoch = Epochs.RetirementEpoch();
        ref RetiredBag bag = ref _bags[epoch % BagCount];
        if (bag.Epoch != epoch)
        {
            // The bag was used three epochs ago or earlier: all of that can go.
            Invariant.Assert(
                bag.Epoch + BagCount <= epoch || bag.Records.Count + bag.Nodes.Count == 0,
                $"What retired in epoch {bag.Epoch} is made free in {epoch}.");
            Empty(ref bag);
            bag.Epoch = epoch;
        }

        bag.Records.TakeAll(ref _pendingRecords);
        bag.Nodes.TakeAll(ref _pendingNodes);
    }

    /// <summary>Waits for the readers that are inside, and makes free all that waited for them.</summary>
    public void Reclaim()
    {
        Epochs.AwaitGrace();
        Recycle();
    }

    /// <summary>Checks that every record and node is in use, free, or waits.</summary>
    /// <exception cref="InvariantViolationException">One is lost, or in two places.</exception>
    public void Validate(long recordsInUse, long nodesInUse)
    {
        (long records, long nodes) = Retired;
        Invariant.Check(
            RecordsMade == recordsInUse + records + FreeRecords,
            $"Of {RecordsMade} records {recordsInUse} are in use, {records} wait and {FreeRecords} are free.");
        Invariant.Check(
            NodesMade == nodesInUse + nodes + FreeNodes, $"Of {NodesMade} nodes {nodesInUse} are in use, {nodes} wait and {FreeNodes} are free.");
    }

    /// <summary>Moves the epoch on if it can, and makes free what waited long enough.</summary>
    private void Recycle()
    {
        Epochs.TryAdvance(sweep: false);
        ulong epoch = Epochs.Epoch;
        foreach (ref RetiredBag bag in _bags.AsSpan())
        {
            if (bag.Epoch + EpochDomain.GraceEpochs <= epoch)
            {
                Empty(ref bag);
            }
        }
    }

    private void Empty(ref RetiredBag bag)
    {
        _freeRecords.TakeAll(ref bag.Records);
        _freeNodes.TakeAll(ref bag.Nodes);
    }

    private void ForgetRetired()
    {
        Array.Clear(_bags);
        _pendingRecords = default;
        _pendingNodes = default;
    }

    /// <summary>What was retired in one epoch.</summary>
    private struct RetiredBag
    {
        public ulong Epoch;
        public LinkList Records;
        public LinkList Nodes;
    }
}
