using System.Runtime.InteropServices;
using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Tests.Model.Pages;

/// <summary>The table of keys equals a dictionary, whatever is added, removed and resized.</summary>
public sealed unsafe class PageTableModelTests
{
    [Theory]
    [InlineData(0, PageEntry.Bytes, 1)]
    [InlineData(0, PageEntry.Bytes + 120, 2)]
    [InlineData(6, PageEntry.Bytes, 3)]
    [InlineData(6, PageEntry.Bytes + 24, 4)]
    [InlineData(10, PageEntry.Bytes, 5)]
    public void It_equals_a_dictionary(int collidingBits, int entryBytes, int seed)
    {
        ulong[] keys = CollidingKeys(collidingBits, 200);
        var random = new Random(seed);
        var model = new Dictionary<ulong, ulong>();
        var history = new List<string>();
        var table = default(PageTable);
        try
        {
            for (int step = 0; step < 20_000; step++)
            {
                ulong key = keys[random.Next(keys.Length)];
                PageEntry* entry = table.Find(key, SlotOf(key), entryBytes);
                Assert.True((entry != null) == model.ContainsKey(key), Text(history));

                // Long phases of growing and of shrinking.
                bool grows = random.Next(10) < (step / 2000 % 2 == 0 ? 8 : 2);
                if (entry != null && !grows)
                {
                    history.Add($"remove {key}");
                    table.Remove(entry, entryBytes);
                    model.Remove(key);
                }
                else if (entry == null && grows)
                {
                    history.Add($"add {key}");
                    if (table.IsFull)
                    {
                        Resize(ref table, Math.Max(PageTable.CapacityMin, table.Capacity * 2), entryBytes);
                    }

                    entry = table.Add(key, SlotOf(key), entryBytes);
                    entry->State = new PageState(PageKind.Compressed, 100);
                    entry->First = (ulong)step;
                    ((ulong*)((byte*)entry + entryBytes))[-1] = (ulong)step;
                    model.Add(key, (ulong)step);
                }

                if (table.IsSparse)
                {
                    history.Add("halve");
                    Resize(ref table, table.Capacity / 2, entryBytes);
                }

                if (step % 500 == 0)
                {
                    Check(ref table, model, entryBytes, history);
                }
            }

            Check(ref table, model, entryBytes, history);
        }
        finally
        {
            NativeMemory.Free(table.Detach());
        }
    }

    private static void Check(ref PageTable table, Dictionary<ulong, ulong> model, int entryBytes, List<string> history)
    {
        table.Validate(entryBytes);
        Assert.Equal(model.Count, table.Count);
        foreach ((ulong key, ulong value) in model)
        {
            PageEntry* entry = table.Find(key, SlotOf(key), entryBytes);
            Assert.True(entry != null && entry->Key == key && entry->First == value, Text(history));
            Assert.Equal(100, entry->State.Bytes);
            Assert.Equal(value, ((ulong*)((byte*)entry + entryBytes))[-1]);
        }
    }

    private static void Resize(ref PageTable table, int capacity, int entryBytes) =>
        NativeMemory.Free(table.MoveTo(NativeMemory.AllocZeroed(PageTable.BytesOf(capacity, entryBytes)), capacity, entryBytes));

    /// <summary>Keys whose slots agree in their lowest bits.</summary>
    private static ulong[] CollidingKeys(int bits, int count) =>
        [.. Enumerable.Range(0, int.MaxValue).Select(key => (ulong)key).Where(key => (SlotOf(key) & ((1u << bits) - 1)) == 0).Take(count)];

    private static uint SlotOf(ulong key) => PageHash.SlotOf(PageHash.Of(key));

    private static string Text(List<string> history) => "The table is not the dictionary after: " + string.Join("; ", history.TakeLast(100));
}
