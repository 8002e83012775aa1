using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NativeMm.Extensions;
using NativeMm.Runtime;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>NativeMm in a service.</summary>
public static class NativeMmServiceCollectionExtensions
{
    /// <summary>
    /// Adds a <see cref="MemoryRuntime"/> that is made at the start of the host and disposed with it, and metrics of the process. Calling it again only adds to
    /// the options.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options; what the configuration says in its section <c>NativeMm</c> is in them already.</param>
    /// <returns>To add more.</returns>
    /// <remarks>Options that are wrong stop the start with an <see cref="OptionsValidationException"/> that names key, value and range.</remarks>
    /// <exception cref="ArgumentNullException">The services are null.</exception>
    public static NativeMmBuilder AddNativeMm(this IServiceCollection services, Action<NativeMmOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (!services.Any(service => service.ServiceType == typeof(NativeMmConfiguration)))
        {
            services.AddMetrics();
            services.AddSingleton(provider => new NativeMmConfiguration(provider.GetService<IConfiguration>()));
            services.AddSingleton<IConfigureOptions<NativeMmOptions>>(provider => provider.GetRequiredService<NativeMmConfiguration>());
            services.AddSingleton<IValidateOptions<NativeMmOptions>>(provider => provider.GetRequiredService<NativeMmConfiguration>());
            services.AddOptions<NativeMmOptions>().ValidateOnStart();
            services.TryAddSingleton(provider => new MemoryRuntime(provider.GetRequiredService<IOptions<NativeMmOptions>>().Value.ToRuntimeOptions()));
            services.TryAddSingleton(_ => ProcessLimit.OfSystem());
            services.AddSingleton<ProcessMeter>();
            services.TryAddSingleton(TimeProvider.System);
            services.TryAddSingleton<IBudgetSystem, BudgetSystem>();
            services.AddSingleton(provider => new MemoryBudget(
                provider.GetRequiredService<IOptions<NativeMmOptions>>().Value.TotalMemoryBytes,
                provider.GetRequiredService<IBudgetSystem>(),
                provider.GetRequiredService<TimeProvider>()));
            services.AddSingleton<MemoryBudgetService>();
            services.AddSingleton<LivePageFeed>();
            services.AddSingleton<LivePageGuard>();
            services.AddSingleton<IStartupFilter>(provider => provider.GetRequiredService<LivePageGuard>());
            services.AddSingleton<IHostedService, NativeMmHostedService>();
        }

        if (configure is not null)
        {
            services.Configure(configure);
        }

        return new NativeMmBuilder(services);
    }
}
