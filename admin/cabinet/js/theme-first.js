// Sets language and theme before the first paint; a module would come too late and flash.
(function () {
    'use strict';
    var root = document.documentElement;
    try {
        var theme = localStorage.getItem('nimb.theme');
        if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
        var language = localStorage.getItem('nimb.language');
        if (language === 'ru' || language === 'en') root.lang = language;
    } catch (_) { /* Without storage the system's choice holds. */ }
})();
