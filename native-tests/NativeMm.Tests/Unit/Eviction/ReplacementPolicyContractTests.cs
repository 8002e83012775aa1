using Xunit;

namespace NativeMm.Tests.Unit.Eviction;

/// <summary>What each policy owes to its owner.</summary>
public abstract class ReplacementPolicyContractTests : IDisposable
{
    private const uint Items = PolicyUnderTest.Items;

    private readonly PolicyUnderTest _policy;

    private protected ReplacementPolicyContractTests(PolicyUnderTest policy)
    {
        _policy = policy;
    }

    public void Dispose()
    {
        _policy.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Item_takes_one_word_and_a_history_twelve_bits_at_most()
    {
        Assert.Equal(4, _policy.ItemBytes);
        Assert.InRange(_policy.HistoryBits, 0, 12);
    }

    [Fact]
    public void Nothing_is_chosen_where_nothing_is() => Assert.Empty(Select(4));

    [Fact]
    public void Every_item_is_chosen_once()
    {
        Insert(0..(int)Items);
        uint[] chosen = Select((int)Items + 10);
        Assert.Equal(Enumerable.Range(0, (int)Items).Select(i => (uint)i), chosen.Order());
        Assert.Empty(Select(1));
    }

    [Fact]
    public void Items_in_use_are_chosen_when_there_are_no_others()
    {
        Insert(0..8);
        Assert.Equal(8, _policy.Select(8, _ => true).Length);
    }

    [Fact]
    public void An_item_with_another_number_is_chosen_by_that_and_the_old_one_is_out()
    {
        Insert(0..4);
        _policy.Move(1, 40);
        Assert.Equal(4u, _policy.Count());
        Assert.Equal([0u, 2u, 3u, 40u], Select(10).Order());
    }

    [Fact]
    public void What_is_put_back_stays_in_and_can_be_chosen_later()
    {
        Insert(0..4);
        uint victim = Select(1)[0];
        _policy.PutBack(victim);
        Assert.Equal(4u, _policy.Count());
        Assert.Contains(victim, Select(4));
    }

    [Fact]
    public void What_is_evicted_is_out_and_its_number_free_for_another()
    {
        Insert(0..4);
        uint victim = Select(1)[0];
        Assert.InRange(_policy.Evicted(victim), 0u, (1u << _policy.HistoryBits) - 1);
        Assert.Equal(3u, _policy.Count());
        _policy.Insert(victim, 0);
        Assert.Equal(4u, _policy.Count());
    }

    [Fact]
    public void What_is_removed_is_chosen_no_more()
    {
        Insert(0..4);
        _policy.Remove(2);
        _policy.Remove(2);
        Assert.Equal(3u, _policy.Count());
        Assert.DoesNotContain(2u, Select(4));
    }

    [Fact]
    public void Victim_that_is_removed_stays_out_when_it_is_put_back()
    {
        Insert(0..4);
        uint victim = Select(1)[0];
        _policy.Remove(victim);
        _policy.PutBack(victim);
        Assert.Equal(3u, _policy.Count());
    }

    [Fact]
    public void Fewer_may_stay_in_from_one_moment_to_the_next()
    {
        Insert(0..(int)Items);
        _policy.Resize(8);
        foreach (uint victim in Select((int)Items - 8))
        {
            _ = _policy.Evicted(victim);
        }

        Assert.Equal(8u, _policy.Count());
    }

    private void Insert(Range numbers)
    {
        for (int i = numbers.Start.Value; i < numbers.End.Value; i++)
        {
            _policy.Insert((uint)i, 0);
            _policy.Used[i] = true;
        }
    }

    private uint[] Select(int count) => _policy.Select(count, number => _policy.TestAndClear(number));
}
