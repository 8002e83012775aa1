using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Workers that go through their tables. An operation is one call of the pool.</summary>
/// <param name="pool">The pool.</param>
/// <param name="workers">Number of workers.</param>
/// <param name="slots">Objects of each worker at most.</param>
/// <param name="sizes">Sizes of real objects.</param>
internal sealed class PoolWorkload<TPool>(TPool pool, int workers, int slots, int[] sizes)
    where TPool : struct, IPoolUnderTest
{
    private readonly PoolWorker[] _workers = new PoolWorker[workers];

    /// <summary>The workers.</summary>
    public IReadOnlyList<PoolWorker> Workers => _workers;

    /// <summary>Makes the objects that are live at the start of a worker's table.</summary>
    public void SetUp(int number)
    {
        var worker = new PoolWorker(number, slots, sizes);
        _workers[number] = worker;
        bool[] live = OperationTable.LiveAtStart(number, slots);
        for (int slot = 0; slot < live.Length; slot++)
        {
            if (live[slot])
            {
                Make(worker, slot);
                pool.Write(worker.Handles[slot], worker.Content.AsSpan(0, worker.Lengths[slot]));
            }
        }
    }

    /// <summary>Goes on in a worker's table.</summary>
    /// <param name="number">The worker.</param>
    /// <param name="operations">How many calls.</param>
    public void Run<TClock>(int number, int operations)
        where TClock : struct, IReadClock
    {
        PoolWorker worker = _workers[number];
        PoolOperation[] table = worker.Table;
        int position = worker.Position;
        for (int i = 0; i < operations; i++)
        {
            PoolOperation operation = table[position];
            position = position + 1 == table.Length ? 0 : position + 1;
            Perform<TClock>(worker, operation);
        }

        worker.Position = position;
    }

    /// <summary>Frees what is live.</summary>
    public void Clear(int number)
    {
        PoolWorker worker = _workers[number];
        for (int slot = 0; slot < slots; slot++)
        {
            if (worker.Handles[slot] != 0)
            {
                pool.Free(worker.Handles[slot]);
                worker.Handles[slot] = 0;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Perform<TClock>(PoolWorker worker, PoolOperation operation)
        where TClock : struct, IReadClock
    {
        int slot = operation.Slot;
        switch (operation.Kind)
        {
            case PoolCall.Alloc:
                Make(worker, slot);
                break;

            case PoolCall.Free:
                pool.Free(worker.Handles[slot]);
                worker.Handles[slot] = 0;
                break;

            case PoolCall.Read when TClock.IsOn:
                long start = Stopwatch.GetTimestamp();
                worker.Seen += pool.Read(worker.Handles[slot], worker.Scratch);
                worker.Reads.Add(Stopwatch.GetTimestamp() - start);
                break;

            case PoolCall.Read:
                worker.Seen += pool.Read(worker.Handles[slot], worker.Scratch);
                break;

            default:
                pool.Write(worker.Handles[slot], worker.Content.AsSpan(0, worker.Lengths[slot]));
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Make(PoolWorker worker, int slot)
    {
        int size = worker.NextSize();
        worker.Handles[slot] = pool.Alloc(size);
        worker.Lengths[slot] = size;
    }
}
